"""Independent answers: the rules of the formats once more, written plainly and from the outside."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import warnings
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

MIB = 1024 * 1024


def top_hash(text: bytes) -> str:
    """Top hash of a manifest by the specification of Quilt 3."""
    header, *rows = [json.loads(line) for line in text.decode().split("\n") if line.strip()]
    header.pop("top_hash", None)
    hasher = hashlib.sha256(_canonical(header))
    entries = [row for row in rows if "physical_keys" in row]
    for row in sorted(entries, key=lambda row: components(row["logical_key"])):
        covered = {
            "hash": _type_and_value(row.get("hash")),
            "logical_key": row["logical_key"],
            "meta": row.get("meta") or {},
            "size": row.get("size"),
        }
        hasher.update(_canonical(covered))
    return hasher.hexdigest()


def _type_and_value(digest: Any) -> Any:
    """Leave out other fields of a digest, which nobody writes."""
    return digest and {name: digest[name] for name in ("type", "value")}


def components(key: str) -> list[list[int]]:
    """Code points of each component of a logical key."""
    return [[ord(character) for character in part] for part in key.split("/")]


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def quilt3_load(text: bytes) -> Any:
    """Return quilt3's own package of a manifest; quilt3's public reader would report its use."""
    return _quilt3_package()._load(io.StringIO(text.decode()))


def quilt3_top_hash(text: bytes) -> str:
    """Top hash of a manifest as quilt3 computes it."""
    return str(quilt3_load(text).top_hash)


def quilt3_dump(text: bytes) -> bytes:
    """Read a manifest with quilt3, and write it with quilt3."""
    out = io.StringIO()
    quilt3_load(text)._dump(out)
    return out.getvalue().encode()


def _quilt3_package() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from quilt3 import packages
    packages.DISABLE_TQDM = True
    return packages.Package


def quilt3_checksums() -> Any:
    """Return quilt3's module of checksums."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import quilt3.checksums
    return quilt3.checksums


def chunked(data: bytes) -> str:
    """``sha2-256-chunked`` of at most 80,000 MiB."""
    leaves = [hashlib.sha256(leaf).digest() for leaf in _cut(data, 8 * MIB)]
    return base64.b64encode(hashlib.sha256(b"".join(leaves)).digest()).decode()


def etag(data: bytes, part_size: int | None) -> str:
    """ETag that S3 gives an object put at once, or in parts."""
    if part_size is None:
        return hashlib.md5(data).hexdigest()
    parts = [hashlib.md5(part).digest() for part in _cut(data, part_size) or [b""]]
    return f"{hashlib.md5(b''.join(parts)).hexdigest()}-{len(parts)}"


def crc64nvme(data: bytes) -> str:
    """CRC-64/NVME, bit by bit: reflected, polynomial ad93d23594c93659, all ones in and out."""
    value = 0xFFFF_FFFF_FFFF_FFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x9A6C_9329_AC4B_C9B5 if value & 1 else 0)
    return base64.b64encode((value ^ 0xFFFF_FFFF_FFFF_FFFF).to_bytes(8, "big")).decode()


def _cut(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def glob_matches(pattern: str, key: str) -> bool:
    """Match a glob component by component, as `pathlib` does."""
    return _match(pattern.split("/"), key.split("/"))


def _match(patterns: Sequence[str], parts: Sequence[str]) -> bool:
    if not patterns:
        return not parts
    first, rest = patterns[0], patterns[1:]
    if first == "**":
        if not rest:
            return bool(parts)
        return any(_match(rest, parts[skipped:]) for skipped in range(len(parts) + 1))
    # A run of stars inside a component is one star; `fnmatch` treats it so too.
    return bool(parts) and fnmatchcase(parts[0], first) and _match(rest, parts[1:])


def named_by(pattern: str, key: str) -> bool:
    """Whether a path, a folder or a glob names a logical key."""
    path = pattern.strip("/")
    if path in ("", ".") or key.startswith(path + "/"):
        return True
    if key == path and not pattern.endswith("/"):
        return True
    return bool(re.search(r"[*?\[]", path)) and glob_matches(path, key)
