"""Eight processes on one store: they get, build, push, verify, collect and remove at random."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.soak.forking import call, start
from cellfolio.errors import PushConflict
from cellfolio.package.plan import entry_blob
from cellfolio.registries.folder import package_folder
from cellfolio.storage.home import Home
from cellfolio.workflows import verbs

PROCESSES = 8
GRACE = 30.0
"""Seconds that `gc` spares what came or was used; an operation here takes a few."""
_POOL = 40
"""Different contents that packages are made of, so that they share most."""
_REMOTE, _SHARED = 6, 4
"""Packages on the server, and packages of the local registry that all processes build."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What the processes share.

    Attributes
    ----------
    scratch : Path
    bucket : str
    """

    scratch: Path
    bucket: str

    @property
    def home(self) -> Home:
        """The home of all, opened."""
        return Home(self.scratch / "home")

    def remote(self, number: int) -> str:
        """Return the reference of a package on the server."""
        return f"s3://{self.bucket}/lab/remote_{number}"

    def outcome(self, number: int) -> Path:
        """Return where a process writes what it did."""
        return self.scratch / f"process_{number}.json"


@dataclass
class Worker:
    """One process."""

    ground: Ground
    number: int
    chance: random.Random
    done: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0

    def run(self, until: float) -> None:
        """Do one thing after the other, and write what came of it."""
        steps: dict[Callable[[], None], int] = {
            self.get: 5,
            self.get_where_others_do: 2,
            self.build: 4,
            self.build_what_others_build: 2,
            self.push: 3,
            self.collect: 2,
            self.verify: 1,
            self.remove_folder: 3,
            self.remove_package: 2,
        }
        while time.time() < until:
            (step,) = self.chance.choices(list(steps), list(steps.values()))
            begun = time.monotonic()
            try:
                step()
            except Exception as error:
                self.wrong[f"{step.__name__}: {type(error).__name__}: {_first_line(error)}"] += 1
            self.done[step.__name__] += 1
            self.slowest = max(self.slowest, time.monotonic() - begun)
        told = {"done": self.done, "wrong": self.wrong, "slowest": self.slowest}
        self.ground.outcome(self.number).write_text(json.dumps(told))

    def _folder(self, package: int) -> Path:
        return self.ground.scratch / "out" / f"{self.number}_{package}"

    def get(self) -> None:
        """Get a package into a folder of one's own."""
        package = self.chance.randrange(_REMOTE)
        verbs.get(self.ground.remote(package), self._folder(package), home=self.ground.home)

    def get_where_others_do(self) -> None:
        """Get a package into a folder that all processes fill."""
        package = self.chance.randrange(_REMOTE)
        folder = self.ground.scratch / "out" / f"all_{package}"
        verbs.get(self.ground.remote(package), folder, home=self.ground.home)

    def _build(self, name: str) -> None:
        source = self.ground.scratch / "sources" / str(self.number)
        shutil.rmtree(source, ignore_errors=True)
        write_files(source, self.chance)
        verbs.build(source, name, home=self.ground.home)

    def build(self) -> None:
        """Build a package that only this process has."""
        self._build(self._own())

    def build_what_others_build(self) -> None:
        """Build a revision of a package that all processes build."""
        self._build(f"lab/shared_{self.chance.randrange(_SHARED)}")

    def _own(self) -> str:
        return f"lab/own_{self.number}"

    def push(self) -> None:
        """Push a package of the local registry; another process may be first."""
        names = verbs.list_packages(home=self.ground.home)
        others = [name for name in names if name.startswith(("lab/shared_", self._own()))]
        if others:
            try:
                name = self.chance.choice(others)
                verbs.push(name, f"s3://{self.ground.bucket}", home=self.ground.home)
            except PushConflict:
                self.done["push that was late"] += 1

    def collect(self) -> None:
        """Remove what nothing needs."""
        verbs.gc(home=self.ground.home, grace=GRACE)

    def verify(self) -> None:
        """Hash the whole store."""
        found = verbs.verify(home=self.ground.home)
        if not found.sound:
            self.wrong["verify: damaged files"] += len(found.damaged)

    def remove_folder(self) -> None:
        """Remove a folder that was got."""
        shutil.rmtree(self._folder(self.chance.randrange(_REMOTE)), ignore_errors=True)

    def remove_package(self) -> None:
        """Remove the package of this process from the local registry, as users do: by hand."""
        pointers = self.ground.home.folder / "registry/.quilt/named_packages" / self._own()
        shutil.rmtree(pointers, ignore_errors=True)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:160]


def write_files(folder: Path, chance: random.Random) -> None:
    """Write some of the contents of the pool, and one that nobody else has."""
    folder.mkdir(parents=True)
    for number in chance.sample(range(_POOL), 12):
        data = hashlib.shake_256(b"%d" % number).digest(1000 + 20_000 * number)
        (folder / f"file_{number:02d}.bin").write_bytes(data)
    (folder / "own.bin").write_bytes(chance.randbytes(5_000))


def publish_all(ground: Ground, seed: int) -> None:
    """Publish the packages that are got."""
    chance = random.Random(seed)
    home = Home(ground.scratch / "publisher")
    for number in range(_REMOTE):
        folder = ground.scratch / "sources" / f"remote_{number}"
        write_files(folder, chance)
        package = package_folder(folder, home).named(f"lab/remote_{number}")
        verbs.push(package, f"s3://{ground.bucket}", home=home)


def _work(ground: Ground, number: int, seed: int, until: float) -> None:
    Worker(ground, number, random.Random(f"{seed} {number}")).run(until)


@dataclass
class Shared:
    """What came of it.

    Attributes
    ----------
    done, wrong : Counter of str
        What was done, and what was found wrong.
    slowest : float
        Seconds of the longest operation.
    blobs : int
        Files of the store at the end.
    """

    done: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    blobs: int = 0


def share_a_store(ground: Ground, seconds: float, seed: int) -> Shared:
    """Let processes work on one store, then look at everything."""
    call(publish_all, ground, seed)
    until = time.time() + seconds
    children = [start(_work, ground, number, seed, until) for number in range(PROCESSES)]
    found = Shared()
    for number, child in enumerate(children):
        child.join(max(0.0, until - time.time()) + 120)
        if child.exitcode is None:
            child.kill()
            child.join()
            found.wrong[f"a process hung, {ground.scratch}"] += 1
        elif child.exitcode:
            found.wrong[f"a process ended with {child.exitcode}"] += 1
        else:
            told = json.loads(ground.outcome(number).read_text())
            found.done.update(told["done"])
            found.wrong.update(told["wrong"])
            found.slowest = max(found.slowest, told["slowest"])
    found.wrong.update(call(look, ground))
    found.blobs = call(_count, ground)
    return found


def _count(ground: Ground) -> int:
    return sum(1 for _ in ground.home.blobs.all())


def look(ground: Ground) -> list[str]:
    """Tell what is wrong with store, index, packages and folders when nobody is at work."""
    home = ground.home
    wrong = []
    here = dict(home.blobs.all())
    for row in home.blobs.index.blobs().values():
        status = here.get(row.id)
        if status is None:
            wrong.append("the index has a file that is not there")
        elif (row.size, row.mtime_ns) != (status.st_size, status.st_mtime_ns):
            wrong.append("the index has another size or time than the file")
    wrong += [f"damaged: {blob}" for blob in verbs.verify(home=home).damaged]
    for name in verbs.list_packages(home=home):
        for line in verbs.log(name, home=home):
            package = verbs.open(f"{name}@{line.revision.top_hash}", home=home)
            lost = [one for one in package.walk() if entry_blob(one) not in here]
            wrong += [f"lost: a file of a package of the local registry ({name})" for _ in lost]
    for folder in sorted((ground.scratch / "out").iterdir()):
        checked = verbs.verify(folder, home=home)
        if checked.damaged or checked.modified or checked.missing:
            wrong.append("a folder is not as it was got")
    return wrong
