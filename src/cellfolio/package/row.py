"""One row of a manifest: its fields, how they are read, written and hashed."""

from __future__ import annotations

import json
import re
import reprlib
from mmap import mmap
from typing import Any, NamedTuple

from cellfolio.errors import InvalidManifest
from cellfolio.package.digests import Digest
from cellfolio.package.entry import Entry
from cellfolio.package.opener import Opener

Text = bytes | mmap

# The two orders of fields that quilt3 and quilt-rs write. Any other valid row goes through `json`,
# and so does one with an escape or a control character in these fields (`_NOT_VERBATIM`).
ROW_PATTERN = (
    rb'\{"logical_key": ?"([^"]++)", ?"physical_keys": ?\["([^"]++)"\], ?'
    rb'(?:"size": ?(0|[1-9][0-9]{0,17}+), ?)?+'
    rb'"hash": ?\{"type": ?"([^"]++)", ?"value": ?"([^"]*+)"\}, ?'
    rb'(?:"size": ?(0|[1-9][0-9]{0,17}+), ?)?+'
    rb'"meta": ?(\{.*\})\}$'
)
_NOT_VERBATIM = re.compile(rb"[\\\x00-\x1f\x7f]")
CUSTOMARY_ROW = re.compile(ROW_PATTERN, re.MULTILINE)
CUSTOMARY_KEY = re.compile(rb'\{"logical_key": ?"([^"\\\x00-\x1f]+)"')
_any_json = json.JSONEncoder(allow_nan=False).encode
canonical_json = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode
_written_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode

MAX_SIZE = 2**63 - 1
"""Bytes that a file, and all files of a package together, may have."""

MAX_RECORD = 1_000_000
"""Bytes a row may have, without its line end (quilt3's ``QUILT_MANIFEST_MAX_RECORD_SIZE``)."""


class Row(NamedTuple):
    """The fields of one row, not yet made into values.

    ``meta`` is JSON text. ``size`` is -1 where unknown, ``algorithm`` empty where there is no
    digest.
    """

    key: bytes
    physical_key: bytes
    size: int
    algorithm: bytes
    value: bytes
    meta: bytes

    @property
    def digest(self) -> Digest | None:
        """The digest as a value."""
        return Digest(self.algorithm.decode(), self.value.decode()) if self.algorithm else None

    def entry(self, opener: Opener | None = None) -> Entry:
        """Return the row as a value, opened by `opener`."""
        return Entry(
            self.key.decode(),
            self.physical_key.decode(),
            None if self.size < 0 else self.size,
            self.digest,
            {} if self.meta == b"{}" else json.loads(self.meta),
            opener,
        )

    def canonical(self) -> bytes:
        """Return the text of this row that a top hash covers.

        Sorted keys, no spaces, ASCII; physical keys are not part of it.
        """
        meta = self.meta
        if meta != b"{}":
            meta = canonical_json(json.loads(meta)).encode()
        size = b"null" if self.size < 0 else b"%d" % self.size
        key = canonical_key(self.key)
        if not self.algorithm:
            return b'{"hash":null,"logical_key":%b,"meta":%b,"size":%b}' % (key, meta, size)
        return CANONICAL_ROW % (self.algorithm, self.value, key, meta, size)


class FolderRow(NamedTuple):
    """A row that gives a folder metadata. `key` ends with ``/``."""

    key: bytes
    meta: Any


CANONICAL_ROW = b'{"hash":{"type":"%b","value":"%b"},"logical_key":%b,"meta":%b,"size":%b}'

_NOT_PLAIN = re.compile(rb'[^\x20-\x7e]|["\\]')


def _plain(text: bytes) -> bool:
    """Whether JSON writes `text` as it is."""
    return not _NOT_PLAIN.search(text)


def canonical_key(key: bytes) -> bytes:
    """Return a logical key as ASCII JSON."""
    return b'"%b"' % key if _plain(key) else canonical_json(key.decode()).encode()


def parse_row(text: Text, start: int, line: int | None = None) -> tuple[Row | FolderRow, int]:
    """Read the row at offset `start`; return it and the offset after its line.

    Raises
    ------
    InvalidManifest
        Naming `line` and what is wrong with it.
    """
    fast = customary_row(text, start)
    if fast is not None and _is_sound(text[start : fast[1]], fast[0].meta):
        return fast
    end = text.find(b"\n", start)
    end = len(text) if end < 0 else end
    row = _parse_any_row(text[start:end], line)
    first = CUSTOMARY_KEY.match(text, start)
    if first is not None and first[1] != row.key:
        raise InvalidManifest("'logical_key' occurs twice", line=line)
    return row, end + 1


def customary_row(text: Text, start: int) -> tuple[Row, int] | None:
    """Read a row of a customary form; the metadata is not parsed."""
    match = CUSTOMARY_ROW.match(text, start)
    if match is None:
        return None
    key, physical_key, early, algorithm, value, late, meta = match.groups()
    size = early or late
    digest = algorithm + value
    if size is None or (early and late) or not digest.isascii():
        return None
    if _NOT_VERBATIM.search(key + physical_key + digest):
        return None
    return Row(key, physical_key, int(size), algorithm, value, meta), match.end() + 1


def _is_sound(line: bytes, meta: bytes) -> bool:
    """Whether a line is UTF-8 and what begins like its metadata is one JSON object."""
    try:
        line.decode()
        if meta != b"{}":
            json.loads(meta.decode())
    except (ValueError, RecursionError):
        return False
    return True


def _parse_any_row(text: bytes, line: int | None) -> Row | FolderRow:
    try:
        fields = json.loads(text.decode())
    except (ValueError, RecursionError) as error:
        raise InvalidManifest(f"not JSON: {error}", line=line) from None
    if not isinstance(fields, dict) or not isinstance(fields.get("logical_key"), str):
        raise InvalidManifest("expected an object with a string 'logical_key'", line=line)
    key = fields["logical_key"]
    if "physical_keys" not in fields:
        return _folder_row(key, fields.get("meta"), line)
    physical = fields["physical_keys"]
    if not (isinstance(physical, list) and len(physical) == 1 and isinstance(physical[0], str)):
        raise InvalidManifest(
            f"entry {key!r}: expected 'physical_keys' to be a list of one URI, "
            f"found {reprlib.repr(physical)}",
            line=line,
        )
    size, meta = fields.get("size"), fields.get("meta")
    if size is not None and not _is_size(size):
        raise InvalidManifest(
            f"entry {key!r}: expected 'size' in bytes, found {reprlib.repr(size)}", line=line
        )
    if meta is not None and not isinstance(meta, dict):
        raise InvalidManifest(f"entry {key!r}: expected 'meta' to be an object", line=line)
    algorithm, value = _hash_fields(key, fields.get("hash"), line)
    try:
        return Row(
            key.encode(),
            physical[0].encode(),
            -1 if size is None else size,
            algorithm,
            value,
            _any_json(meta or {}).encode(),
        )
    except (ValueError, RecursionError) as error:  # lone surrogates, NaN
        raise InvalidManifest(f"entry {key!r}: {error}", line=line) from None


def _is_size(size: Any) -> bool:
    return isinstance(size, int) and not isinstance(size, bool) and 0 <= size <= MAX_SIZE


def _folder_row(key: str, meta: Any, line: int | None) -> FolderRow:
    if not key.endswith("/"):
        raise InvalidManifest(f"entry {key!r} has no 'physical_keys'", line=line)
    try:
        _any_json(meta)
        return FolderRow(key.encode(), meta)
    except (ValueError, RecursionError) as error:  # lone surrogates, NaN
        raise InvalidManifest(f"folder {key!r}: {error}", line=line) from None


def _hash_fields(key: str, fields: Any, line: int | None) -> tuple[bytes, bytes]:
    if fields is None:
        return b"", b""
    if isinstance(fields, dict):
        algorithm, value = fields.get("type"), fields.get("value")
        if isinstance(algorithm, str) and isinstance(value, str) and algorithm:
            encoded = algorithm.encode(errors="surrogatepass"), value.encode(errors="surrogatepass")
            if all(_plain(part) for part in encoded):
                return encoded
    raise InvalidManifest(
        f"entry {key!r}: expected 'hash' to be null or an object with 'type' and 'value', "
        f"found {reprlib.repr(fields)}",
        line=line,
    )


def write_row(entry: Entry) -> bytes:
    """Return `entry` as a line of a manifest, in the fields' order and spacing of quilt3.

    Raises
    ------
    InvalidManifest
        If the metadata is not JSON (NaN included) or the line is longer than `MAX_RECORD`.
    """
    digest = entry.digest
    fields = {
        "logical_key": entry.logical_key,
        "physical_keys": [entry.physical_key],
        "size": entry.size,
        "hash": None if digest is None else {"type": digest.algorithm, "value": digest.value},
        "meta": dict(entry.meta),
    }
    return write_line(fields, entry.logical_key)


def write_line(fields: dict[str, Any], what: str) -> bytes:
    """Return JSON fields as a line of a manifest; `what` names it in errors."""
    try:
        text = _written_json(fields).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidManifest(f"metadata of {what!r} is not JSON: {error}") from None
    if len(text) > MAX_RECORD:
        raise InvalidManifest(
            f"the row of {what!r} has {len(text)} bytes; expected at most {MAX_RECORD}",
            hint="put large metadata into a file of the package",
        )
    return text + b"\n"


def json_text(value: Any, what: str) -> str:
    """Return JSON as text; `what` names it in errors.

    Raises
    ------
    InvalidManifest
        If it is not JSON, NaN included.
    """
    try:
        return _any_json(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidManifest(f"metadata of {what!r} is not JSON: {error}") from None
