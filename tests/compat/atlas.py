"""A small atlas: releases and files in a bucket, made by a test."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cellfolio.compat.abc import AbcProjectCache
from tests.servers.seaweed import SeaweedServer

TYPES = {
    "metadata": "csv",
    "expression_matrices": "h5ad",
    "image_volumes": "nii.gz",
    "mapmycells": "json",
}
OLD, NEW = "20230830", "20231215"
OLD_NAME, NEW_NAME = (f"releases/{version}/manifest.json" for version in (OLD, NEW))

Files = Mapping[tuple[str, str, str], bytes]
"""Directory, kind and listed name → content."""

GENE = b"gene_identifier,gene_symbol\nENSMUSG00000051951,Xkr4\nENSMUSG00000089699,Gm1992\n"
FIRST: Files = {
    ("WMB-10X", "metadata", "gene"): GENE,
    ("WMB-10X", "metadata", "cell"): b"cell_label,x\na,1\nb,2\n",
    ("WMB-10XMulti", "expression_matrices", "WMB-10XMulti/log2"): b"log2" * 5000,
    ("WMB-10XMulti", "expression_matrices", "WMB-10XMulti/raw"): b"raw!" * 5000,
    ("WMB-10XMulti", "mapmycells", "markers"): b"{}",
    ("Allen-CCF-2020", "image_volumes", "annotation_10"): b"volume" * 700,
    ("Allen-CCF-2020", "metadata", "parcellation"): b"label\n1\n",
}


def path_of(directory: str, kind: str, name: str, version: str = OLD) -> str:
    """Path of a file in the bucket."""
    return f"{kind}/{directory}/{version}/{name.replace('/', '-')}.{TYPES[kind]}"


def manifest(version: str, files: Files, file_version: str = OLD) -> dict[str, Any]:
    """A release manifest as the atlas has them."""
    listing: dict[str, Any] = {}
    contents: dict[str, Any] = {}
    for (directory, kind, name), content in files.items():
        stem, _, variant = name.partition("/")
        path = path_of(directory, kind, name, file_version)
        fields = {
            "version": file_version,
            "relative_path": path,
            "url": f"https://atlas.example/{path}",
            "size": len(content),
            "file_hash": hashlib.md5(content).hexdigest(),
        }
        node = contents.setdefault(directory, {}).setdefault(kind, {}).setdefault(stem, {})
        if variant:
            node = node.setdefault(variant, {})
        node["files"] = {TYPES[kind]: fields}
        folder = path.rpartition("/")[0]
        kinds = listing.setdefault(directory, {"directories": {}})["directories"]
        kinds[kind] = {
            "version": file_version,
            "relative_path": folder,
            "url": f"https://atlas.example/{folder}/",
            "view_link": f"https://atlas.example/index.html#{folder}/",
            "total_size": 0,
        }
    return {
        "version": version,
        "resource_uri": "s3://allen-brain-cell-atlas/",
        "directory_listing": listing,
        "file_listing": contents,
    }


def fields_of(document: Any, directory: str, kind: str, name: str) -> dict[str, Any]:
    """What a manifest says of a file; may be changed in place."""
    stem, _, variant = name.partition("/")
    node = document["file_listing"][directory][kind][stem]
    found: dict[str, Any] = (node[variant] if variant else node)["files"][TYPES[kind]]
    return found


@dataclass
class Atlas:
    """A bucket that a test fills."""

    bucket: str
    s3: SeaweedServer
    client: Any = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.s3.client()

    def put(self, path: str, data: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=path, Body=data)

    def release(self, version: str, document: Any) -> None:
        self.put(f"releases/{version}/manifest.json", json.dumps(document).encode())

    def publish(self, version: str, files: Files, file_version: str = OLD) -> None:
        """Put a release and its files there."""
        for key, content in files.items():
            self.put(path_of(*key, file_version), content)
        self.release(version, manifest(version, files, file_version))

    def open(self, folder: Path) -> AbcProjectCache:
        """Open a cache with a connection."""
        return AbcProjectCache.from_s3_cache(folder, s3_bucket=self.bucket)


def peers_cache(folder: Path, files: Files, version: str = OLD) -> list[Path]:
    """Make a cache as the peer leaves it: files, manifest, its two records; none of ours."""
    paths = []
    for key, content in files.items():
        path = folder / path_of(*key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        paths.append(path)
    name = f"releases/{version}/manifest.json"
    (folder / name).parent.mkdir(parents=True)
    (folder / name).write_text(json.dumps(manifest(version, files)))
    (folder / "_manifest_last_used.txt").write_text(name)
    listed = [str(path.resolve()) for path in reversed(paths)]
    (folder / "_downloaded_data.json").write_text(json.dumps(listed, indent=2))
    return paths


def only_peers_files(folder: Path) -> None:
    """Take away what only we know of a cache."""
    shutil.rmtree(folder / ".cellfolio")


def noted(folder: Path) -> list[str]:
    """The peer's record of downloads."""
    found: list[str] = json.loads((folder / "_downloaded_data.json").read_text())
    return found


def data_files(folder: Path) -> set[str]:
    """Paths of all data files of a cache."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.relative_to(folder).parts[0] in TYPES
    }
