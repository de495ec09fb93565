"""A small copy of the Allen Brain Cell Atlas: the real names and layout, generated files.

The manifests are the real ones, but for size and MD5 of each file, which are those of what is
generated here: a hundred-thousandth of the size.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from tests import brain
from tests.servers.seaweed import SeaweedServer

BUCKET = "atlas-releases"
VARIABLES = {"CELLFOLIO_MIRROR": f"s3://allen-brain-cell-atlas=s3://{BUCKET}"}
"""What leads readers of the public bucket to the copy."""
_RELEASES = ("manifest_20231215_fce5a0dd.json", "manifest_20250531_3a5f359c.json")
_SMALLER = 100_000
_WITH_FILES = (
    "Allen-CCF-2020",
    brain.MERFISH,
    f"{brain.MERFISH}-CCF",
    "WMB-10X",
    "WMB-10XMulti",
    "WMB-neighborhoods",
    "WMB-taxonomy",
)
"""Directories whose files are in the copy."""
_GENES = b"""\
gene_identifier,gene_symbol,name
ENSMUSG00000051951,Xkr4,X-linked Kx blood group related 4
ENSMUSG00000089699,Gm1992,predicted gene 1992
ENSMUSG00000102331,Gm19938,"predicted gene, 19938"
"""


def publish_atlas(server: SeaweedServer, shared: Path) -> None:
    """Put the releases and some of their files into the bucket."""
    server.create_bucket(BUCKET)
    client = server.client()
    put: set[str] = set()
    for name in _RELEASES:
        text = (shared / "data/abc_atlas/manifests" / name).read_text(encoding="utf-8")
        document: dict[str, Any] = json.loads(text)
        for directory, node in document["file_listing"].items():
            for fields in _files(node):
                content = _content(fields["relative_path"], fields["size"] // _SMALLER)
                fields["size"] = len(content)
                fields["file_hash"] = hashlib.md5(content).hexdigest()
                if directory in _WITH_FILES and fields["relative_path"] not in put:
                    put.add(fields["relative_path"])
                    client.put_object(Bucket=BUCKET, Key=fields["relative_path"], Body=content)
        key = f"releases/{document['version']}/manifest.json"
        client.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(document).encode())
    client.close()


@cache
def _made_up() -> dict[str, bytes]:
    """Return files of a made-up brain, by kind, directory and name of the file."""
    types = {"metadata": "csv", "expression_matrices": "h5ad", "image_volumes": "nii.gz"}
    return {
        f"{kind}/{directory}/{name.replace('/', '-')}.{types[kind]}": content
        for (directory, kind, name), content in brain.brain_files().items()
    }


def _files(node: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what a manifest says of each file below a node."""
    if isinstance(node, dict) and "relative_path" in node:
        yield node
    elif isinstance(node, Mapping):
        for inner in node.values():
            yield from _files(inner)


def _content(path: str, size: int) -> bytes:
    parts = path.split("/")
    made_up = _made_up().get("/".join((parts[0], parts[1], parts[-1])))
    if made_up is not None:
        return made_up
    if path.endswith("/gene.csv"):
        return _GENES
    start = b"label,value\n" if path.endswith(".csv") else b""
    return start + hashlib.shake_256(path.encode()).hexdigest(max(32, size // 2)).encode()
