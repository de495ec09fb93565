"""What people and programs are shown of the catalogue."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from cellfolio.cli.text import columns, paint, plural, printable, size_text

if TYPE_CHECKING:
    from cellfolio.registries.catalogue import DataSet
    from cellfolio.registries.gallery import PlateRecord

_WIDTH = 92

DATA_SET_FIELDS = {
    "name": "`namespace/name`",
    "title": "one line",
    "description": "what it is",
    "licence": "on what terms it may be used",
    "citation": "what to cite",
    "homepage": "its authors' page",
    "contains": "what it holds",
    "modalities": "kinds of data",
    "organisms": "whose cells they are",
    "cell_lines": "lines of cells",
    "size": "bytes, or null if unknown",
    "files": "number of files, or null if unknown",
    "address": "URI that opens it",
    "package": "its name there",
    "moved": "former addresses",
    "notes": "what is uncertain",
}
"""What is told of a data set."""


def data_set_document(data_set: DataSet) -> dict[str, Any]:
    """Return a data set as a JSON object."""
    found = {name: getattr(data_set, name) for name in DATA_SET_FIELDS}
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in found.items()
    }


def data_set_rows(data_sets: Iterable[DataSet]) -> Iterator[str]:
    """Yield one line for each data set."""
    rows = [
        (f"  {printable(one.name)}", size_text(one.size), printable(one.title)) for one in data_sets
    ]
    return columns(rows, "<><") if rows else iter(())


def data_set_page(data_set: DataSet, plates: tuple[PlateRecord, ...]) -> Iterator[str]:
    """Yield what the catalogue says of a data set."""
    yield paint(printable(data_set.name), "bold")
    yield f"  {printable(data_set.title)}"
    yield ""
    yield from _paragraph(data_set.description)
    yield ""
    yield from columns(_facts(data_set), "<<")
    if plates:
        yield ""
        yield from _batches(plates)
    if data_set.notes:
        yield ""
        yield from _paragraph(data_set.notes)
    yield ""
    if plates:
        first = plates[0]
        selection = f"--batch {first.batch} --plate {first.plate} --well A01"
        yield paint(f"  cellfolio get {data_set.name} {selection}", "dim")
    else:
        yield paint(f"  cellfolio show {data_set.name} --depth 2   (opens it)", "dim")


def _paragraph(text: str) -> Iterator[str]:
    for line in _wrap(text, _WIDTH):
        yield f"  {line}"


def _wrap(text: str, width: int) -> list[str]:
    """Break lines between words only: addresses stay whole."""
    plain = printable(" ".join(text.split()))
    return textwrap.wrap(plain, width, break_long_words=False, break_on_hyphens=False)


def _facts(data_set: DataSet) -> Iterator[tuple[str, str]]:
    if data_set.size is not None or data_set.files is not None:
        files = "" if data_set.files is None else plural(data_set.files, "file")
        size = "" if data_set.size is None else size_text(data_set.size)
        yield "  holds", ", ".join(filter(None, (files, size)))
    lists = {
        "contains": data_set.contains,
        "kinds": data_set.modalities,
        "organisms": data_set.organisms,
        "cell lines": data_set.cell_lines,
    }
    for title, values in lists.items():
        for number, value in enumerate(values):
            yield "" if number else f"  {title}", printable(value)
    texts = {
        "address": data_set.address,
        "package": "" if data_set.package == data_set.name else data_set.package,
        "homepage": data_set.homepage,
        "licence": data_set.licence,
        "cite": data_set.citation,
    }
    for title, text in texts.items():
        for number, line in enumerate(_wrap(text, _WIDTH - 12)):
            yield "" if number else f"  {title}", line
    for number, former in enumerate(data_set.moved):
        yield "" if number else "  formerly", printable(former)


def _batches(plates: tuple[PlateRecord, ...]) -> Iterator[str]:
    """Yield the plates of each batch."""
    batches: dict[str, list[PlateRecord]] = {}
    for plate in plates:
        batches.setdefault(plate.batch, []).append(plate)
    for batch, members in batches.items():
        images = sum(plate.expected_images for plate in members)
        title = f"{plural(len(members), 'plate')}, {images:,} images"
        yield f"  {paint(printable(batch), 'bold')}: {title}"
        yield from columns(
            [
                (
                    f"    {printable(plate.plate)}",
                    f"{plate.expected_images:,}",
                    printable(plate.description),
                )
                for plate in members
            ],
            "<><",
        )
