"""Small copies of the Allen Brain Cell Atlas, in a bucket and in a folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from cellfolio.storage.home import Home
from tests.servers.seaweed import SeaweedServer

NAME = "abc/atlas"


@dataclass(frozen=True)
class Atlas:
    """A copy of the atlas: its URI, and how to put a file into it."""

    uri: str
    s3: SeaweedServer | None

    def put(self, path: str, data: bytes) -> None:
        if self.s3 is None:
            file = Path(self.uri.removeprefix("abc+file://")) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
            return
        client = self.s3.client()
        client.put_object(Bucket=self.uri.removeprefix("abc+s3://"), Key=path, Body=data)
        client.close()

    def release(self, version: str, data: bytes | None = None) -> None:
        manifest = small_manifest(version) if data is None else data
        self.put(f"releases/{version}/manifest.json", manifest)


def small_manifest(version: str, path: str = "metadata/WMB-10X/20230830/gene.csv") -> bytes:
    """A manifest with one file."""
    file = {"version": "20230830", "relative_path": path, "url": "https://x/", "size": 3}
    document = {
        "version": version,
        "resource_uri": "s3://allen-brain-cell-atlas/",
        "directory_listing": {},
        "file_listing": {"WMB-10X": {"metadata": {"gene": {"files": {"csv": file}}}}},
    }
    return json.dumps(document).encode()


def real_manifest(shared: Path, start: str) -> bytes:
    (found,) = (shared / "data/abc_atlas/manifests").glob(f"manifest_{start}*.json")
    return found.read_bytes()


def kept_file(home: Home, version: str) -> Path:
    (found,) = (home.folder / "releases").glob(f"*/{version}.json")
    return found
