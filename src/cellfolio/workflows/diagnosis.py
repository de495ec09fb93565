"""What is wrong with an installation, a store or the way to data, and how to mend it.

Rule: a check never raises, never changes anything that it looks at, and says what to do.
"""

from __future__ import annotations

import os
import re
import sqlite3
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement

from cellfolio.errors import AccessRefused, CellfolioError, NotFound
from cellfolio.package.sizes import format_size
from cellfolio.registries.catalogue import load_catalogue
from cellfolio.storage.disk import free_space, is_network_file_system
from cellfolio.storage.home import Home
from cellfolio.storage.mirrors import mirrors_in_use
from cellfolio.storage.places import Place, parse_uri
from cellfolio.storage.workers import at_once
from cellfolio.workflows.measuring.warming import kernel_folder

State = Literal["good", "note", "bad"]
LITTLE_ROOM = 2_000_000_000
"""Bytes that should be free where data is kept."""
OLDEST = (3, 11)
VARIABLES = (
    "CELLFOLIO_CATALOGUE",
    "CELLFOLIO_DEBUG",
    "CELLFOLIO_HOME",
    "CELLFOLIO_MIRROR",
    "CELLFOLIO_SHARED",
)
"""Variables of the environment that mean something."""
_EXTRA = re.compile(r"""extra\s*==\s*["']([\w-]+)["']""")
_DEVELOPERS = ("docs", "test")
"""Extras that are not for users."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found.

    Attributes
    ----------
    subject : str
    state : {'good', 'note', 'bad'}
        'note' is what may surprise, 'bad' what will fail.
    told : str
        What was found.
    mend : str
        What to do; empty where nothing is to be done.
    """

    subject: str
    state: State
    told: str
    mend: str = ""


def diagnose(home: Home, *, network: bool = True) -> Iterator[Finding]:
    """Yield what is found of this installation, its store and the way to data.

    Parameters
    ----------
    home : Home
    network : bool
        Whether to ask the places of the known data sets.
    """
    checks: list[tuple[str, Callable[[], Iterator[Finding]]]] = [
        ("Python", check_python),
        ("libraries", check_libraries),
        ("environment", check_environment),
        ("home", lambda: check_home(home)),
        ("store", lambda: check_store(home)),
        ("kernels", check_kernels),
        ("catalogue", lambda: check_catalogue(home)),
    ]
    if network:
        checks.append(("network", lambda: check_network(home)))
    for subject, check in checks:
        yield from _guarded(subject, check)


def _guarded(subject: str, check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from check()
    except CellfolioError as error:
        yield Finding(subject, "bad", error.message, error.hint)
    except Exception as error:  # Rule: what cannot be looked at is found too.
        yield Finding(subject, "bad", f"cannot be looked at: {error!r}")


def check_python() -> Iterator[Finding]:
    """Look at Python itself."""
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        yield Finding("Python", "bad", found, f"make an environment with Python {wanted} or later")
    else:
        yield Finding("Python", "good", f"{found} in {sys.prefix}")


def check_libraries() -> Iterator[Finding]:
    """Compare the installed libraries with what this release asks for."""
    wanted = [Requirement(text) for text in metadata.requires("cellfolio") or ()]
    own = [one for one in wanted if _extra_of(one) is None and _applies(one)]
    wrong = [problem for one in own if (problem := _problem(one))]
    for problem in wrong:
        yield Finding("libraries", "bad", problem, "pip install --upgrade cellfolio")
    if not wrong:
        yield Finding("libraries", "good", f"{len(own)} as they should be")
    extras = sorted({extra for one in wanted if (extra := _extra_of(one))} - {*_DEVELOPERS})
    for extra in extras:
        lacking = [one for one in wanted if _extra_of(one) == extra and _problem(one)]
        if not lacking:
            yield Finding(f"extra {extra}", "good", "installed")
        else:
            names = ", ".join(one.name for one in lacking)
            mend = f"pip install 'cellfolio[{extra}]', if you want it"
            yield Finding(f"extra {extra}", "note", f"without {names}", mend)


def _extra_of(requirement: Requirement) -> str | None:
    match = _EXTRA.search(str(requirement.marker or ""))
    return match.group(1) if match else None


def _applies(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate()


def _problem(requirement: Requirement) -> str:
    """Return what is wrong with an installed library; empty if nothing."""
    try:
        found = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return f"{requirement.name} is not installed"
    if requirement.specifier.contains(found, prereleases=True):
        return ""
    return f"{requirement.name} {found}: expected {requirement.specifier}"


def check_environment() -> Iterator[Finding]:
    """Look at the variables that change what cellfolio does."""
    ours = {name: text for name, text in os.environ.items() if name.startswith("CELLFOLIO_")}
    for name in sorted(set(ours) - {*VARIABLES}):
        known = ", ".join(VARIABLES[:-1])
        yield Finding("environment", "note", f"{name} means nothing here", f"known are {known}")
    mirrors = mirrors_in_use()  # its error says what is wrong with it
    for source, target in mirrors.rules:
        yield Finding("mirror", "good", f"{source} is read from {target.uri}")
    if mirrors.everything is not None:
        yield Finding("mirror", "good", f"what else is far is read from {mirrors.everything.uri}")


def check_home(home: Home) -> Iterator[Finding]:
    """Look at the folder where data is kept, and its disk."""
    folder = home.folder
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    if not existing.is_dir() or not os.access(existing, os.R_OK | os.X_OK):
        mend = "name another folder with CELLFOLIO_HOME"
        yield Finding("home", "bad", f"{existing} cannot be read, or is no folder", mend)
        return
    if not _can_write(existing):
        yield Finding(
            "home",
            "note",
            f"{existing} cannot be written: nothing is fetched or built, what is there is used",
            "name a folder of your own with CELLFOLIO_HOME, or ask who keeps this one",
        )
    else:
        yield Finding("home", "good", str(folder))
    free = free_space(folder)
    if free < LITTLE_ROOM:
        told = f"{format_size(free)} are free"
        yield Finding("disk", "bad", told, "`cellfolio gc`, or another disk with CELLFOLIO_HOME")
    else:
        yield Finding("disk", "good", f"{format_size(free)} are free")
    if is_network_file_system(existing):
        told = "the home is on a network file system: safe, and slower with many small files"
        yield Finding("disk", "note", told, "a disk of this machine is faster")


def _can_write(folder: Path) -> bool:
    probe = folder / f".cellfolio-{uuid.uuid4().hex}"
    try:
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError:
        return False
    return True


def check_store(home: Home) -> Iterator[Finding]:
    """Look at the store's index and at what is unfinished."""
    folder = home.blobs.folder
    if not folder.is_dir():
        yield Finding("store", "good", "empty")
        return
    yield _index_finding(folder / "index.sqlite")
    unfinished = [*_sizes(folder / "parts"), *_sizes(folder / "tmp")]
    if unfinished:
        size = format_size(sum(unfinished))
        told = f"{len(unfinished)} unfinished or damaged files, {size}"
        mend = "the next fetch goes on with what it can use; `cellfolio gc` removes the rest"
        yield Finding("store", "note", told, mend)


def _sizes(folder: Path) -> list[int]:
    try:
        return [path.stat().st_size for path in folder.iterdir() if path.is_file()]
    except OSError:
        return []


def _index_finding(path: Path) -> Finding:
    """Check the index without changing it: it is opened for reading only."""
    if not path.is_file():
        return Finding("store", "note", "has no index yet", "it is made with the next fetch")
    try:
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=5)
        try:
            (told,) = connection.execute("pragma quick_check(1)").fetchone()
            (count,) = connection.execute("select count(*) from blob").fetchone()
        finally:
            connection.close()
    except sqlite3.Error as error:
        told, count = str(error), 0
    if told != "ok":
        mend = f"remove {path}; it is made again, and files are hashed again when they are used"
        return Finding("store", "bad", f"its index is damaged: {told}", mend)
    return Finding("store", "good", f"{count:,} files")


def check_kernels() -> Iterator[Finding]:
    """Look at where compiled code is kept; where it cannot be, each process compiles again."""
    folder = kernel_folder()
    if _can_write(folder if folder.is_dir() else folder.parent):
        yield Finding("kernels", "good", f"compiled code is kept in {folder}")
        return
    told = f"{folder} cannot be written: measuring compiles again in each process"
    yield Finding("kernels", "note", told, "name a folder of your own with NUMBA_CACHE_DIR")


def check_catalogue(home: Home) -> Iterator[Finding]:
    """Read the catalogues: ours, the user's, and those of the environment."""
    found = load_catalogue(home)
    yield Finding("catalogue", "good", f"{len(found.data_sets)} data sets are known")


def check_network(home: Home) -> Iterator[Finding]:
    """Ask each place of the known data sets for something, once and in haste."""
    addresses = {_place_of(one.address) for one in load_catalogue(home).data_sets}
    places = sorted((one for one in addresses if one is not None), key=lambda one: one.uri)
    roots = list({place.root: place for place in places}.values())
    for place, problem in zip(roots, at_once(lambda one: _reach(one, home), roots), strict=True):
        name = f"network {place.root}"
        if problem is None:
            yield Finding(name, "good", "answers")
        elif isinstance(problem, AccessRefused):
            yield Finding(name, "bad", problem.message, problem.hint)
        else:
            yield Finding(name, "bad", problem.message, _NETWORK_HINT)


_NETWORK_HINT = (
    "check the connection, HTTPS_PROXY, and whether a firewall lets S3 through; where it does not, "
    "a mirror helps (CELLFOLIO_MIRROR)"
)


def _place_of(address: str) -> Place | None:
    """Return the place that an address of the catalogue stands for; None for one of this disk."""
    place = parse_uri(re.sub(r"^[a-z0-9]+\+(?=[a-z0-9]+://)", "", address))
    return None if place.root == "file://" else place


def _reach(place: Place, home: Home) -> CellfolioError | None:
    """Return why a place cannot be asked, or None."""
    remotes = home.remotes.hurried()
    try:
        if place.root.startswith("http"):
            remotes.head(place)
        else:
            next(iter(remotes.objects(place, hasty=True)), None)
    except NotFound:
        return None  # it answered
    except CellfolioError as error:
        return error
    return None
