"""Logical keys, metadata, digests, entries and manifests, made up by Hypothesis."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

from cellfolio.package.digests import Digest
from cellfolio.package.entry import Entry

_ODD = ["a", "a-b", "a b", "é", "e\u0301", "\U0001f9ec", "\uffff", "\x7f", '"', "\n", "%2F", "+"]
components = st.one_of(
    st.sampled_from(_ODD),
    st.text(
        st.characters(codec="utf-8", exclude_characters="/\\\0"), min_size=1, max_size=6
    ).filter(lambda part: part not in (".", "..")),
)
keys = st.lists(components, min_size=1, max_size=4).map("/".join)
"""Valid logical keys."""

plain_keys = st.lists(
    st.text("abcXYZ019._- ", min_size=1, max_size=5).filter(lambda part: part.strip(".")),
    min_size=1,
    max_size=4,
).map("/".join)

_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=-(2**90), max_value=2**90),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8"), max_size=8),
)
values: st.SearchStrategy[Any] = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
user_metas = st.dictionaries(
    st.text(st.characters(codec="utf-8"), max_size=6), values, min_size=1, max_size=3
)
metas = st.one_of(
    st.just({}),
    st.builds(lambda meta: {"user_meta": meta}, user_metas),
    st.builds(
        lambda meta, name: {"user_meta": meta, "format": {"name": name}},
        user_metas,
        st.sampled_from(["csv", "}", '"}, {"']),
    ),
)

sha256s = st.binary(min_size=32, max_size=32)
digests = st.one_of(
    st.builds(lambda value: Digest("SHA256", value.hex()), sha256s),
    st.builds(lambda value: Digest("sha2-256-chunked", base64.b64encode(value).decode()), sha256s),
    st.builds(
        lambda value: Digest("CRC64NVME", base64.b64encode(value).decode()),
        st.binary(min_size=8, max_size=8),
    ),
)
sizes = st.integers(min_value=0, max_value=10**15)


@st.composite
def uris(draw: st.DrawFn) -> str:
    """URIs as quilt3 writes them."""
    path = quote(draw(keys))
    version = draw(st.sampled_from(["", "?versionId=x.Y_z1"]))
    return f"s3://bucket/{path}{version}"


def entries(key: st.SearchStrategy[str] = keys) -> st.SearchStrategy[Entry]:
    """Entries that quilt3 can hash."""
    return st.builds(Entry, key, uris(), sizes, digests, metas)


def _free_of_clashes(found: Sequence[Entry]) -> bool:
    """Whether no file is a folder too; quilt3's tree cannot hold that."""
    files = {entry.logical_key for entry in found}
    return not any(
        "/".join(parts[:cut]) in files
        for parts in (key.split("/") for key in files)
        for cut in range(1, len(parts))
    )


def entry_lists(max_size: int = 6) -> st.SearchStrategy[list[Entry]]:
    """Entries with keys that differ, and none of which is a folder of another."""
    found = st.lists(entries(), max_size=max_size, unique_by=lambda entry: entry.logical_key)
    return found.filter(_free_of_clashes)


@st.composite
def headers(draw: st.DrawFn) -> dict[str, Any]:
    """Headers with and without each of their fields."""
    header: dict[str, Any] = {"version": "v0"}
    if draw(st.booleans()):
        header["user_meta"] = draw(st.none() | user_metas)
    if draw(st.booleans()):
        header["message"] = draw(st.none() | st.text(st.characters(codec="utf-8"), max_size=9))
    if draw(st.booleans()):
        header["workflow"] = draw(
            st.fixed_dictionaries(
                {"config": st.just("s3://b/.quilt/workflows/config.yml")},
                optional={"id": st.none() | st.text(max_size=5), "schemas": user_metas},
            )
        )
    return header


FORMS = (
    "quilt3",
    "size last",
    "compact",
    "escaped",
    "any order",
    "carriage return",
    "blanks",
    "more fields",
)


def row_fields(entry: Entry) -> dict[str, Any]:
    """An entry as the fields of a row, in the order of quilt3."""
    digest = entry.digest
    return {
        "logical_key": entry.logical_key,
        "physical_keys": [entry.physical_key],
        "size": entry.size,
        "hash": None if digest is None else {"type": digest.algorithm, "value": digest.value},
        "meta": dict(entry.meta),
    }


def row(entry: Entry, form: str = "quilt3") -> bytes:
    """An entry as a line of a manifest, in one of `FORMS`."""
    fields = row_fields(entry)
    if form == "compact":
        text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    elif form == "escaped":
        text = json.dumps(fields)
    elif form == "any order":
        text = json.dumps(dict(reversed(fields.items())))
    elif form == "carriage return":
        text = json.dumps(fields) + "\r"
    elif form == "blanks":
        text = " " + json.dumps(fields, separators=("\t, ", " : ")) + "  "
    elif form == "more fields":
        text = json.dumps({**fields, "more": {"x": [1]}}, ensure_ascii=False)
    elif form == "size last":
        fields["size"] = fields.pop("size")
        fields["meta"] = fields.pop("meta")
        text = json.dumps(fields, ensure_ascii=False)
    else:
        text = json.dumps(fields, ensure_ascii=False)
    return text.encode() + b"\n"


def manifest_text(header: dict[str, Any], rows: Sequence[bytes]) -> bytes:
    """A manifest of a header and lines."""
    return json.dumps(header, ensure_ascii=False).encode() + b"\n" + b"".join(rows)


HEADER = b'{"version": "v0", "message": null}\n'
