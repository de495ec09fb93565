"""Steps that fetch, publish and open packages, and what others do of it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

from benchmarks.steps import Work, step

# Ours


@step
def ours_get(reference: str, folder: str) -> Work:
    import obstore

    import cellfolio.workflows.verbs as verbs

    assert obstore
    return lambda: verbs.get(reference, folder)


@step
def ours_push(source: str, destination: str) -> Work:
    import obstore

    import cellfolio.workflows.verbs as verbs
    from cellfolio.registries.folder import package_folder
    from cellfolio.storage.home import Home

    assert obstore
    home = Home()
    package = package_folder(Path(source), home).named("bench/small")
    return lambda: verbs.push(package, destination, home=home)


@step
def ours_browse(reference: str) -> Work:
    import obstore

    import cellfolio.workflows.verbs as verbs

    assert obstore
    return lambda: verbs.open(reference)


@step
def ours_lookup(reference: str, key: str) -> Work:
    import obstore

    import cellfolio.workflows.verbs as verbs

    assert obstore
    return lambda: verbs.open(reference).entry(key)


# quilt3


def _quilt3() -> Any:
    warnings.simplefilter("ignore")
    os.environ["QUILT_DISABLE_USAGE_METRICS"] = "true"
    os.environ["QUILT_MINIMIZE_STDOUT"] = "true"
    import quilt3

    return quilt3


@step
def quilt3_get(reference: str, folder: str) -> Work:
    quilt3 = _quilt3()
    registry, name = _split(reference)
    return lambda: quilt3.Package.install(name, registry, dest=folder)


@step
def quilt3_push(source: str, destination: str) -> Work:
    quilt3 = _quilt3()
    registry, name = _split(destination)
    package = quilt3.Package().set_dir("/", source)
    package.build(name)  # hashes, as ours has before its push is timed
    return lambda: package.push(name, registry, force=True)


@step
def quilt3_browse(reference: str) -> Work:
    quilt3 = _quilt3()
    registry, name = _split(reference)
    return lambda: quilt3.Package.browse(name, registry)


# obstore alone: what a download costs that checks nothing


@step
def raw_get(bucket: str, prefix: str, folder: str, workers: str) -> Work:
    import obstore
    from obstore.store import S3Store

    store = S3Store(bucket, client_options={"allow_http": True})
    paths = [meta["path"] for batch in obstore.list(store, prefix) for meta in batch]
    target = Path(folder)
    target.mkdir(parents=True)

    def fetch(path: str) -> None:
        unfinished = target / uuid4().hex
        unfinished.write_bytes(memoryview(obstore.get(store, path).bytes()))
        unfinished.rename(target / path.rpartition("/")[2])

    def run() -> None:
        with ThreadPoolExecutor(int(workers)) as pool:
            list(pool.map(fetch, paths))

    return run


# A loop like that of the Allen Brain Cell Atlas' own client


@step
def boto3_loop(bucket: str, version: str, folder: str) -> Work:
    """One file after the other on one connection, and each read again for its MD5.

    Pieces of 1,024 bytes, each told to a bar, and one listing a file for its size, as in
    abc_atlas_access 1.1.1.
    """
    import boto3
    from tqdm import tqdm

    client = boto3.client("s3")

    def run() -> None:
        answer = client.get_object(Bucket=bucket, Key=f"releases/{version}/manifest.json")
        for kinds in json.load(answer["Body"])["file_listing"].values():
            for files in kinds.values():
                for file in files.values():
                    fetch(*file["files"].values())

    def fetch(file: dict[str, Any]) -> None:
        path = Path(folder, file["relative_path"])
        path.parent.mkdir(parents=True, exist_ok=True)
        listed = client.list_objects_v2(Bucket=bucket, Prefix=file["relative_path"])
        body = client.get_object(Bucket=bucket, Key=file["relative_path"])["Body"]
        total = listed["Contents"][0]["Size"]
        with (
            path.open("wb") as out,
            tqdm(desc=path.name, total=total, unit="MB", unit_scale=True) as bar,
        ):
            for piece in body.iter_chunks():
                out.write(piece)
                bar.update(len(piece))
        digest = hashlib.md5()
        with path.open("rb") as again:
            while block := again.read(1_000_000):
                digest.update(block)
        if digest.hexdigest() != file["file_hash"]:
            raise RuntimeError(f"{path} is damaged")

    return run


@step
def import_time(module: str) -> Work:
    command = [sys.executable, "-c", f"import {module}"]
    return lambda: subprocess.run(command, check=True)


def _split(reference: str) -> tuple[str, str]:
    registry, namespace, name = reference.rsplit("/", 2)
    return registry, f"{namespace}/{name}"
