"""`get` and `push` under kills: a package on an S3 server of this machine."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.soak.forking import call
from benchmarks.soak.killing import litter, store_litter
from cellfolio.errors import NotFound
from cellfolio.package.package import Package
from cellfolio.registries.folder import package_folder
from cellfolio.storage.home import Home
from cellfolio.workflows import verbs
from tests.servers.seaweed import SeaweedServer
from tests.storage.conftest import (
    LARGE,
    assert_nothing_wrong_visible,
    assert_same_files,
    make_files,
)

NAME = "lab/plates"


def make_sources(scratch: Path, large: int = LARGE) -> tuple[Path, Path]:
    """Write the files of two revisions; the older has few, one of which has other bytes.

    `large` are the bytes of the largest, at most `LARGE`.
    """
    new, old = make_files(scratch / "new"), scratch / "old"
    if large < LARGE:
        os.truncate(new / "large.bin", large)
    (old / "small").mkdir(parents=True)
    for number in range(5):
        name = f"small/file_{number:02d}.bin"
        shutil.copyfile(new / name, old / name)
    (old / "middle.bin").write_bytes(b"as it was before")
    return old, new


def packaged(folder: Path, home: Home) -> Package:
    """Return a folder as the package."""
    return package_folder(folder, home).named(NAME)


def publish(folder: Path, home: Path, bucket: str) -> str:
    """Push a folder; return the top hash."""
    used = Home(home)
    return verbs.push(packaged(folder, used), f"s3://{bucket}", home=used).package.top_hash


def told(check: Callable[..., None], *arguments: object) -> list[str]:
    """Return what a check says of what is wrong."""
    try:
        check(*arguments)
    except AssertionError as error:
        return [f"wrong bytes or files: {str(error).splitlines()[0]}"]
    return []


@dataclass
class Get:
    """Getting a package of 43 files, one of them large.

    Attributes
    ----------
    reference : str
    source : Path
        The folder it was made of.
    scratch : Path
    """

    reference: str
    source: Path
    scratch: Path
    name: str = "get"

    @property
    def home(self) -> Home:
        """The home that is used, opened."""
        return Home(self.scratch / "home")

    @property
    def out(self) -> Path:
        """The folder that is filled."""
        return self.scratch / "out"

    def reset(self) -> None:
        """Forget everything that was got."""
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir(parents=True)

    def work(self) -> None:
        """Get the package."""
        verbs.get(self.reference, self.out, home=self.home)

    def phase(self) -> str:
        """Tell how far it came."""
        files = [path for path in self.source.rglob("*") if path.is_file()]
        placed = sum((self.out / path.relative_to(self.source)).exists() for path in files)
        if placed == len(files):
            return "ending"
        if placed:
            return "placing"
        return "fetching" if any(True for _ in self.home.blobs.all()) else "opening"

    def look(self) -> list[str]:
        """Look at folder, store and record."""
        wrong = told(assert_nothing_wrong_visible, self.source, self.out, self.home)
        try:
            status = verbs.status(self.out)
        except NotFound:
            return wrong + [f"{path.name} without a record" for path in self.out.glob("[!.]*")]
        if status.modified:
            wrong.append("status calls files modified")
        if status.source.complete:
            wrong += told(assert_same_files, self.source, self.out)
        return wrong

    def finished(self) -> list[str]:
        """Look at everything, and at what is left over."""
        wrong = told(assert_same_files, self.source, self.out)
        status = verbs.status(self.out)
        if not status.clean or status.extra or not status.source.complete:
            wrong.append("status of a finished folder is not clean")
        left = store_litter(self.home)
        verified = verbs.verify(home=self.home)
        if not verified.sound or verified.right != status.unchanged:
            wrong.append(f"the store has {verified.right} right files of {status.unchanged}")
        inside = {path.name for path in (self.out / ".cellfolio").iterdir()}
        wrong += [f"litter: .cellfolio/{name}" for name in inside - {"checkout.sqlite", "lock"}]
        return wrong + left + litter(self.out)


@dataclass
class Push:
    """Pushing a revision over an older one of the same package.

    Attributes
    ----------
    server : SeaweedServer
    old, new : Path
        Folders of the revisions.
    scratch : Path
    bucket : str
        Made anew by `reset`.
    hashes : dict of str to Path
        Top hash → folder, of the revisions.
    """

    server: SeaweedServer
    old: Path
    new: Path
    scratch: Path
    bucket: str = ""
    hashes: dict[str, Path] = field(default_factory=dict)
    name: str = "push"

    @property
    def home(self) -> Path:
        """The home that is used."""
        return self.scratch / "home"

    def reset(self) -> None:
        """Begin with a bucket that has the older revision only."""
        self.close()
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir(parents=True)
        self.bucket = f"soak-{uuid.uuid4().hex[:12]}"
        self.server.create_bucket(self.bucket)
        top_hash = call(publish, self.old, self.home, self.bucket)
        self.hashes = {top_hash: self.old, call(_top_hash, self.new, self.scratch): self.new}

    def close(self) -> None:
        """Remove the bucket."""
        if self.bucket:
            self.server.delete_bucket(self.bucket)
            self.bucket = ""

    def work(self) -> None:
        """Push the newer revision."""
        publish(self.new, self.home, self.bucket)

    def phase(self) -> str:
        """Tell how far it came."""
        keys = self._keys()
        pointers = [key for key in keys if f"named_packages/{NAME}/" in key]
        manifests = [key for key in keys if key.startswith(".quilt/packages/")]
        sent = [key for key in keys if key.startswith(f"{NAME}/")]
        if len(pointers) > 2:
            return "pointing, or ending"
        if len(manifests) > 1:
            return "recorded"
        return "sending" if len(sent) > len(self._files(self.old)) else "preparing"

    def _keys(self) -> list[str]:
        client = self.server.client()
        try:
            pages = client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
            return [one["Key"] for page in pages for one in page.get("Contents", ())]
        finally:
            client.close()

    def _files(self, folder: Path) -> list[Path]:
        return [path for path in folder.rglob("*") if path.is_file()]

    def look(self) -> list[str]:
        """Get every revision that can be seen, as somebody who never saw the package."""
        wrong = []
        lines = verbs.log(f"s3://{self.bucket}/{NAME}", home=self._reader())
        seen = [line.revision.top_hash for line in lines]
        expected = list(self.hashes)[::-1]
        if seen not in (expected, expected[1:]):
            wrong.append(f"the registry lists {len(seen)} revisions, not the old and the new one")
        for at in ("", *(f"@{top_hash}" for top_hash in seen[1:])):
            wrong += self._got(at, seen)
        return wrong

    def _reader(self) -> Home:
        shutil.rmtree(self.scratch / "reader", ignore_errors=True)
        return Home(self.scratch / "reader")

    def _got(self, at: str, seen: list[str]) -> list[str]:
        """Get a revision, or the latest; tell what is wrong with it."""
        folder = self.scratch / "look"
        shutil.rmtree(folder, ignore_errors=True)
        got = verbs.get(f"s3://{self.bucket}/{NAME}{at}", folder, home=self._reader())
        source = self.hashes.get(got.package.top_hash)
        if source is None or (at and got.package.top_hash != at[1:]):
            return ["a revision is neither the old nor the new one"]
        if not at and got.package.top_hash != seen[0] and len(seen) == 1:
            return ["the latest revision is not listed"]
        return told(assert_same_files, source, folder)

    def finished(self) -> list[str]:
        """Look at the registry, and at what is left over there and here."""
        wrong = self.look()
        lines = verbs.log(f"s3://{self.bucket}/{NAME}", home=self._reader())
        if [line.revision.top_hash for line in lines] != list(self.hashes)[::-1]:
            wrong.append("after a push that ended, the newest revision is not the new one")
        client = self.server.client()
        uploads = client.list_multipart_uploads(Bucket=self.bucket).get("Uploads", ())
        client.close()
        wrong += ["litter: an upload in parts" for _ in uploads]
        used = {
            row.physical_key.decode().partition(f"{self.bucket}/")[2].partition("?")[0]
            for top_hash in self.hashes
            for row in verbs.open(f"s3://{self.bucket}/{NAME}@{top_hash}").rows
        }
        data = {key for key in self._keys() if key.startswith(f"{NAME}/")}
        wrong += [f"litter: object {key}" for key in data - used]
        wrong += [f"object {key} is not there" for key in used - data]
        return wrong + store_litter(Home(self.home))


def _top_hash(folder: Path, scratch: Path) -> str:
    return packaged(folder, Home(scratch / "hashing")).top_hash
