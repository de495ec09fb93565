"""Text for terminals."""

from hypothesis import given
from hypothesis import strategies as st

from cellfolio.cli.text import columns, paint, printable, printable_lines, size_text, width


@given(st.text(st.characters()))
def test_what_is_shown_is_printable(text: str) -> None:
    assert printable(text).isprintable()
    assert all(line.isprintable() for line in printable_lines(text))


@given(st.lists(st.tuples(st.text("ab細", max_size=5), st.text("ab", min_size=1)), min_size=1))
def test_columns_are_aligned(rows: list[tuple[str, str]]) -> None:
    lines = list(columns(rows, ">>"))
    assert {width(line) for line in lines} == {max(map(width, lines))}
    assert [line.split()[-1] for line in lines] == [row[-1] for row in rows]


def test_sizes_and_colours_elsewhere() -> None:
    assert (size_text(None), size_text(-1), size_text(1500)) == ("?", "?", "1.5 kB")
    assert paint("x", "red") == "x"
