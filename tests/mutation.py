"""Valid files, damaged: what parsers of strangers' files are tried with."""

from __future__ import annotations

from hypothesis import strategies as st

PIECES = (
    *(bytes([byte]) for byte in b'{}[],":<>&=\\\n\r\t\0\x7f\xff/ .0e-'),
    b"NaN",
    b"1e999",
    b"null",
    b"true",
    b"..",
    b"../",
    b"\\ud800",
    b"\\u0000",
    b"9" * 5000,
    b"[" * 5000,
    b'{"a":' * 500,
    b"\xff\xff\xff\xff",
    b"\x00\x00\x00\x00\x00\x00\x00\x80",
)
"""What means something to one parser or another."""

Edit = tuple[float, int, bytes]
"""Where (from 0 to 1), how many bytes are replaced, and by what."""


def edits(*more: bytes) -> st.SearchStrategy[list[Edit]]:
    """Return one to four edits, of which some put in what is given."""
    pieces = st.sampled_from((*PIECES, *more)) | st.binary(max_size=4)
    return st.lists(st.tuples(st.floats(0, 1), st.integers(0, 8), pieces), min_size=1, max_size=4)


def edited(content: bytes, changes: list[Edit]) -> bytes:
    """Return a content with bytes put into it."""
    for place, dropped, piece in changes:
        start = round(place * len(content))
        content = content[:start] + piece + content[start + dropped :]
    return content
