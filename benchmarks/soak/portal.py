"""A portal that is read for long by all its pages and operations, while packages come and go."""

from __future__ import annotations

import json
import random
import re
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import httpx

from benchmarks.soak.forking import call, start
from cellfolio.storage.home import Home
from cellfolio.workflows import verbs
from tests.plates import write_plate
from tests.workflows.recipes import make_small

READERS = 8
_LINK = re.compile(r"""(?:href|src)=["']([^"'#]+)""")
_WORDS = ("DNA", "RNA", "A01", "P1", "Metadata_Well", "Cells_Texture_1", "count", "png", "")
_MOST_LINKS = 4_000
_SAMPLED = 1.0
"""Seconds between two looks at the portal's process."""
_GROWTH = {"MB": 60.0, "files": 16.0, "threads": 8.0}
"""By how much the last third may be above the first: caches fill, of sizes that are bounded."""
STEADY = "lab/steady"


def write_folder(folder: Path) -> Path:
    """Write files of the kinds that a portal shows: text, tables, images, documents, a matrix."""
    import anndata
    import nibabel
    import numpy as np

    write_plate(folder)
    make_small(folder / "profiles")()
    (folder / "README.md").write_text("# Plates\n\n[a table](wells.csv)\n\n" + "Text.\n\n" * 100)
    rows = (f"A{n % 24 + 1:02d},{n},{n / 7}\n" for n in range(20_000))
    (folder / "wells.csv").write_text("well,count,area\n" + "".join(rows))
    (folder / "notes.json").write_text('{"plate": "P1", "wells": [1, 2, 3]}')
    (folder / "page.html").write_text("<h1>A page</h1><script>alert(1)</script>")
    random_ = np.random.default_rng(0)
    matrix = random_.poisson(1.0, (60, 30)).astype(np.float32)
    anndata.AnnData(matrix).write_h5ad(folder / "cells.h5ad")
    volume = random_.integers(0, 200, (24, 20, 16)).astype(np.uint8)
    nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), folder / "volume.nii.gz")
    return folder


def build_steady(folder: Path, home: Path) -> list[str]:
    """Build the package that stays, twice; return its files."""
    for text in ("one", "two"):
        (folder / "revision.txt").write_text(text)
        built = verbs.build(folder, STEADY, home=Home(home))
    return [entry.logical_key for entry in built.package.walk()]


def change(scratch: Path, home: Path, until: float) -> None:
    """Build packages, and remove them, until the end."""
    chance, used = random.Random(0), Home(home)
    while time.time() < until:
        name = f"lab/coming_{chance.randrange(4)}"
        folder = scratch / "coming"
        shutil.rmtree(folder, ignore_errors=True)
        make_small(folder)()
        (folder / "README.md").write_text(f"# {chance.random()}\n")
        verbs.build(folder, name, home=used)
        time.sleep(1.0)
        gone = f"lab/coming_{chance.randrange(4)}"
        shutil.rmtree(used.folder / "registry/.quilt/named_packages" / gone, ignore_errors=True)
        verbs.gc(home=used, grace=60.0)


@dataclass
class Reading:
    """What readers saw.

    Attributes
    ----------
    statuses : Counter of str
    wrong : Counter of str
    """

    statuses: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)


class Readers:
    """Readers that follow links, and ask every operation with parameters at random.

    Parameters
    ----------
    root : str
        Address of the portal.
    files : list of str
        Of the package that stays.
    until : float
    """

    def __init__(self, root: str, files: list[str], until: float) -> None:
        self._root = root
        self._until = until
        self._lock = threading.Lock()
        self._links = [f"{root}/", f"{root}/package/{STEADY}"]
        self._known = set(self._links)
        self._references = [STEADY, *(f"{STEADY}/{quote(one)}" for one in files)]
        self._references += [f"lab/coming_{number}" for number in range(4)]
        self._operations: Mapping[str, Any] = {}
        self.seen = Reading()

    def run(self) -> Reading:
        """Read until the end."""
        with httpx.Client(trust_env=False, verify=False, timeout=120) as client:
            described = client.get(f"{self._root}/api/openapi.json").json()["paths"]
        self._operations = {path: one["get"] for path, one in described.items() if "get" in one}
        with ThreadPoolExecutor(READERS) as pool:
            list(pool.map(self._read, range(READERS)))
        return self.seen

    def _read(self, number: int) -> None:
        chance = random.Random(number)
        with httpx.Client(
            trust_env=False, verify=False, timeout=120, follow_redirects=True
        ) as client:
            while time.time() < self._until:
                ask = self._operation if chance.random() < 0.5 else self._link
                self._get(client, ask(chance))

    def _link(self, chance: random.Random) -> str:
        with self._lock:
            return chance.choice(self._links)

    def _operation(self, chance: random.Random) -> str:
        path = chance.choice(list(self._operations))
        asked = [one for one in self._operations[path]["parameters"] if one["in"] == "query"]
        chosen = [one for one in asked if one.get("required") or chance.random() < 0.4]
        query = "&".join(f"{one['name']}={quote(_value(one['schema'], chance))}" for one in chosen)
        path = path.replace("{reference}", chance.choice(self._references))
        return f"{self._root}{path}?{query}"

    def _get(self, client: httpx.Client, address: str) -> None:
        place = urlsplit(address).path
        try:
            answer = client.get(address)
        except httpx.HTTPError as error:
            with self._lock:
                self.seen.wrong[f"{type(error).__name__} at {place}"] += 1
            return
        links = []
        if answer.headers.get("content-type", "").startswith("text/html"):
            links = [urljoin(str(answer.url), one) for one in _LINK.findall(answer.text)]
        with self._lock:
            self.seen.statuses[str(answer.status_code)] += 1
            if answer.status_code >= 500 and not _is_gone(answer.status_code, place):
                self.seen.wrong[f"{answer.status_code} of {address.removeprefix(self._root)}"] += 1
            for link in links:
                if _is_here(link, self._root) and link not in self._known:
                    self._known.add(link)
                    if len(self._links) < _MOST_LINKS:
                        self._links.append(link)


def _is_here(link: str, root: str) -> bool:
    """Whether a link leads to the portal, and not to a data set that is far away."""
    path = link.removeprefix(root)
    return path != link and ("/lab/" in path or path.count("/") == 1 or path.startswith("/static/"))


def _is_gone(status: int, path: str) -> bool:
    """Whether an answer says that the source has a file no more: of a package that was removed."""
    return status == 502 and "/lab/coming_" in path


def _value(schema: Mapping[str, Any], chance: random.Random) -> str:
    """Return a value for a parameter; some are out of bounds, or of no use."""
    schema = schema.get("items", schema)
    if "enum" in schema:
        return str(chance.choice(schema["enum"]))
    kinds: dict[str, Callable[[], object]] = {
        "integer": lambda: chance.choice([0, 1, 2, 5, 100, -1]),
        "number": lambda: chance.choice([0, 0.5, 1, 1000]),
        "boolean": lambda: chance.choice(["true", "false"]),
    }
    return str(kinds.get(schema["type"], lambda: chance.choice(_WORDS))())


def read_all(root: str, files: list[str], until: float, told: Path) -> None:
    """Read a portal until a time, and write what was seen."""
    seen = Readers(root, files, until).run()
    told.write_text(json.dumps({"statuses": seen.statuses, "wrong": seen.wrong}))


@dataclass
class Watched:
    """What a portal took, looked at again and again: MB, open files, threads."""

    samples: list[dict[str, float]] = field(default_factory=list)

    def watch(self, process: int, until: float) -> None:
        """Look at a process until a time."""
        while time.time() < until:
            self.samples.append(usage_of(process))
            time.sleep(_SAMPLED)

    def most(self, what: str, third: int) -> float:
        """Return the most of something in a third of the time: 0, 1 or 2."""
        size = max(1, len(self.samples) // 3)
        return max(one[what] for one in self.samples[third * size :][:size])

    def grown(self) -> list[str]:
        """Tell what was above its bound in the last third."""
        return [
            f"{what} grew from {self.most(what, 0):.0f} to {self.most(what, 2):.0f}"
            for what, bound in _GROWTH.items()
            if self.most(what, 2) > self.most(what, 0) + bound
        ]

    def __str__(self) -> str:
        return ", ".join(
            f"{what} {self.most(what, 0):.0f} → {self.most(what, 2):.0f}" for what in _GROWTH
        )


def usage_of(process: int) -> dict[str, float]:
    """Return the memory in MB, open files and threads of a process."""
    folder = Path(f"/proc/{process}")
    status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
    files = sum(1 for _ in (folder / "fd").iterdir())
    memory, threads = int(status["VmRSS"].split()[0]) / 1e3, int(status["Threads"])
    return {"MB": memory, "files": files, "threads": threads}


def read_for_long(scratch: Path, seconds: float) -> tuple[Reading, Watched]:
    """Serve a home, read it, and change it, for some time."""
    from benchmarks.portal import served

    home, told, watched = scratch / "home", scratch / "told.json", Watched()
    files = call(build_steady, write_folder(scratch / "folder"), home)
    with served([], home) as (url, process):
        until = time.time() + seconds
        root = "{0.scheme}://{0.netloc}".format(urlsplit(url))
        children = [
            start(change, scratch, home, until),
            start(read_all, root, files, until, told),
        ]
        watched.watch(process, until)
        for child in children:
            child.join(180)
    reading = Reading()
    if told.exists():
        seen = json.loads(told.read_text())
        reading = Reading(Counter(seen["statuses"]), Counter(seen["wrong"]))
    for child, what in zip(children, ("changing packages", "reading"), strict=True):
        if child.exitcode != 0:
            child.kill()
            reading.wrong[f"{what} ended with {child.exitcode}"] += 1
    reading.wrong.update(watched.grown())
    return reading, watched
