"""Release manifests for tests: the real ones, read in another way, and generated ones."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from cellfolio.registries.abc.release import AbcFile, Release

OLDER = "manifest_20231215_fce5a0dd.json"
NEWER = "manifest_20250531_3a5f359c.json"
WITHOUT_HASHES = "manifest_20231215_8d49ef14_old-schema.json"

Listed = tuple[str, str, str]
"""Directory, kind and listed name."""


def read_json(shared: Path, name: str) -> Any:
    return json.loads((shared / "data/abc_atlas/manifests" / name).read_text())


def listed_files(document: Any) -> dict[Listed, tuple[str, dict[str, Any]]]:
    """Read a manifest in another way than the library: by the shape of each path into it."""
    found: dict[Listed, tuple[str, dict[str, Any]]] = {}

    def walk(node: Any, path: tuple[str, ...]) -> None:
        if "relative_path" in node:
            *names, files, file_type = path
            assert files == "files"
            found[names[0], names[1], "/".join(names[2:])] = (file_type, node)
            return
        for key, inner in node.items():
            walk(inner, (*path, key))

    walk(document["file_listing"], ())
    return found


def attributes(path: str, size: object = 3, **more: object) -> dict[str, object]:
    return {"version": "1", "relative_path": path, "url": f"https://x/{path}", "size": size, **more}


def manifest(listing: object, version: str = "20240101") -> dict[str, object]:
    return {
        "version": version,
        "resource_uri": "s3://bucket/",
        "directory_listing": {},
        "file_listing": listing,
    }


NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="/"), min_size=1, max_size=8
).filter(lambda name: name != "files")
PATHS = st.lists(
    st.text("abcé. -_%+#?", min_size=1, max_size=6).filter(lambda part: part not in (".", "..")),
    min_size=2,
    max_size=5,
).map("/".join)


@st.composite
def releases(draw: st.DrawFn) -> Release:
    files: dict[tuple[str, str, str], AbcFile] = {}
    for path in draw(st.lists(PATHS, unique=True, max_size=8)):
        directory, kind, stem = draw(NAMES), draw(NAMES), draw(NAMES)
        # A stem has variants or none.
        plain = any(
            f.variant is None
            for k, f in files.items()
            if k[:2] == (directory, kind) and f.stem == stem
        )
        taken = any(k[:2] == (directory, kind) and f.stem == stem for k, f in files.items())
        if plain:
            continue
        variant = draw(NAMES if taken else st.none() | NAMES)
        file = AbcFile(
            directory,
            kind,
            stem,
            variant,
            draw(NAMES),
            draw(NAMES),
            path,
            "https://x/" + path,
            draw(st.integers(0, 2**63 - 1)),
            draw(st.none() | st.text("0123456789abcdef", min_size=32, max_size=32)),
        )
        files.setdefault((directory, kind, file.name), file)
    found = tuple(sorted(files.values(), key=lambda f: (f.directory, f.kind, f.name)))
    directories = tuple(sorted({file.directory for file in found}))
    return Release(draw(NAMES), "s3://bucket/", directories, (), found)


def write_manifest(release: Release) -> dict[str, Any]:
    """Write a release in the form that the Atlas publishes."""
    listing: Any = defaultdict(lambda: defaultdict(lambda: defaultdict(dict)))
    for file in release.files:
        fields = attributes(file.relative_path, file.size)
        fields |= {"version": file.version, "url": file.url}
        if file.md5 is not None:
            fields["file_hash"] = file.md5
        node = listing[file.directory][file.kind][file.stem]
        files = {"files": {file.file_type: fields}}
        node |= files if file.variant is None else {file.variant: files}
    return {**manifest(listing, release.version), "resource_uri": release.resource_uri}
