"""Reading many rows of a manifest at once.

Reading a manifest row by row spends its time in Python between the fields. Here a block of rows
that all have a customary form goes through a handful of calls that work on the whole block: one
regular expression, one check of all keys, one JSON parse and one JSON dump of all metadata. The
plain row-by-row reader remains the reference (`cellfolio.package.row.parse_row`); a block that
does not fit goes there.
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from operator import lt
from typing import Any

from cellfolio.package.row import CANONICAL_ROW, ROW_PATTERN, canonical_json, canonical_key

_ROWS = re.compile(rb"^" + ROW_PATTERN, re.MULTILINE)
# Fields that stand between quotes must have none of these, or they are not what they look like.
_NOT_VERBATIM = bytes([*range(32), ord("\\"), 127])
_decode = json.JSONDecoder().raw_decode
# Stands between the metadata of rows while they are one JSON list.
_SEAM = "\x1fcellfolio seam\x1f"
_SEAM_JSON = f",{canonical_json(_SEAM)},".encode()


@dataclass(slots=True)
class Scan:
    """What one pass over some lines of a manifest found.

    Attributes
    ----------
    lines : int
        Number of lines.
    offsets : array of uint64
        Where each entry's line starts, from the first line.
    order : list of bytes
        Sort key of each entry.
    canonical : bytes
        Text of the entries that the top hash covers.
    size : int
        Bytes of all files.
    folders : list of (str, object)
        Folders and their metadata.
    """

    lines: int = 0
    offsets: array[int] = field(default_factory=lambda: array("Q"))
    order: list[bytes] = field(default_factory=list)
    canonical: bytes = b""
    size: int = 0
    folders: list[tuple[str, Any]] = field(default_factory=list)


def ascending(last: bytes, order: list[bytes]) -> bool:
    """Whether sort keys strictly ascend, starting after `last`."""
    return (not order or last < order[0]) and all(map(lt, order, order[1:]))


def scan_block(text: bytes) -> Scan | None:
    """Read lines of a manifest; None if any is not an entry of a customary form.

    Parameters
    ----------
    text : bytes
        Whole lines.
    """
    if not (text.isascii() or _is_utf8(text)):
        return None
    lines = text.splitlines(keepends=True)
    fields = _ROWS.findall(text)
    if len(fields) != len(lines) or not fields:
        return None
    keys, physical, early, algorithms, values, late, metas = zip(*fields, strict=True)
    joined = b"\n".join(keys)
    order = joined.replace(b"/", b"\0").split(b"\n")
    # Just one of the two is there; a row with both, or none, has no size here.
    sizes = [(a or b) if not (a and b) else b"" for a, b in zip(early, late, strict=True)]
    texts = [b'"%b"' % key for key in keys] if joined.isascii() else [*map(canonical_key, keys)]
    canonical_metas = _canonical_metas(metas)
    digests = b"".join((*set(algorithms), *values))
    verbatim = b"".join((*keys, *physical, digests))
    if (
        canonical_metas is None
        or len(verbatim) != len(verbatim.translate(None, _NOT_VERBATIM))
        or _any_bad_key(keys)
        or not digests.isascii()
        or not all(sizes)
        or len(order) != len(lines)
    ):
        return None
    rows = zip(algorithms, values, texts, canonical_metas, sizes, strict=True)
    return Scan(
        lines=len(lines),
        offsets=array("Q", accumulate(map(len, lines[:-1]), initial=0)),
        order=order,
        canonical=b"".join([CANONICAL_ROW % row for row in rows]),
        size=sum(map(int, sizes)),
    )


def _any_bad_key(keys: Sequence[bytes]) -> bool:
    """Apply the rules of `check_key` that the check for control characters does not cover."""
    path = b"/%b/" % b"/".join(keys)
    return b"//" in path or b"/./" in path or b"/../" in path


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _canonical_metas(metas: Sequence[bytes]) -> Sequence[bytes] | None:
    if metas.count(b"{}") == len(metas):
        return metas
    # Rows of one well or plate often share their metadata.
    distinct = list(dict.fromkeys(metas))
    canonical = _canonical_distinct(distinct)
    if canonical is None:
        return None
    found = dict(zip(distinct, canonical, strict=True))
    return [found[meta] for meta in metas]


def _canonical_distinct(metas: Sequence[bytes]) -> Sequence[bytes] | None:
    try:
        # One at a time: joined, rows that are not JSON could make up for each other.
        texts = [meta.decode() for meta in metas]
        decoded = [_decode(text) for text in texts]
        if [end for _, end in decoded] != [*map(len, texts)]:
            return None
        seamed: list[Any] = [_SEAM] * (2 * len(decoded) - 1)
        seamed[::2] = [value for value, _ in decoded]
        text = canonical_json(seamed)[1:-1].encode().split(_SEAM_JSON)
    except (ValueError, RecursionError):
        return None
    return text if len(text) == len(metas) else None
