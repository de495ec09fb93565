"""A finished demonstration in numbers, and what to try next."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cellfolio.workflows.demo.folder import Demo
from cellfolio.workflows.demo.profiles import NEGATIVE, PERTURBATION
from cellfolio.workflows.demo.revisions import PACKAGE, Compared, Shared, compare, first_site, share
from cellfolio.workflows.opening import log_package, open_package


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A command to try next.

    Attributes
    ----------
    purpose : str
    command : str
        For a POSIX shell in the working directory.
    """

    purpose: str
    command: str


@dataclass(frozen=True, slots=True)
class Outline:
    """A finished demonstration in numbers.

    Attributes
    ----------
    top_hashes : tuple of str
        Of the revisions, the oldest first.
    files : tuple of int
        Their numbers of files.
    compared : Compared
    shared : Shared
    suggestions : tuple of Suggestion
    portal : Suggestion
        How all of it is looked at in a browser.
    """

    top_hashes: tuple[str, ...]
    files: tuple[int, ...]
    compared: Compared
    shared: Shared
    suggestions: tuple[Suggestion, ...]
    portal: Suggestion


def outline(demo: Demo) -> Outline:
    """Return a finished demonstration in numbers."""
    log = log_package(PACKAGE, demo.home)
    top_hashes = tuple(line.revision.top_hash for line in reversed(log))
    packages = [open_package(f"{PACKAGE}@{top_hash}", demo.home).package for top_hash in top_hashes]
    return Outline(
        top_hashes,
        tuple(package.file_count for package in packages),
        compare(demo),
        share(demo),
        suggest(demo),
        suggest_portal(demo),
    )


def suggest_portal(demo: Demo) -> Suggestion:
    """Return the command that opens all of a demonstration in a browser."""
    folder = _from_here(demo.folder)
    shown = [f"./{folder}/{name}" for name in ("profiles", "measured", "evaluation")]
    if Path(folder).is_absolute():
        shown = [one.removeprefix("./") for one in shown]
    return Suggestion("all of it in a browser", _at_home(demo, ["serve", PACKAGE, *shown]))


def suggest(demo: Demo) -> tuple[Suggestion, ...]:
    """Return commands to try next; each works when it is pasted into a shell here."""
    first = log_package(PACKAGE, demo.home)[-1].revision.top_hash[:12]
    plate = demo.design.plates[0].barcode
    folder, checkout = _from_here(demo.folder), _from_here(demo.checkout)
    image = [f"{PACKAGE}/{first_site(demo).image_key}", "-o", f"{folder}/channels.png"]
    question = (
        "select Metadata_Well, count(*) as cells, sum(mitotic) as dividing "
        f'from "objects/{plate}" group by 1 order by 3 desc, 1'
    )
    commands = {
        "what was published, and when": ["log", PACKAGE],
        "what is in each well of a plate": ["wells", PACKAGE, plate, "--column", "moa"],
        "the cells of a site, each channel on its own": ["view", *image],
        "how many cells of a plate divide": ["query", PACKAGE, question],
        "whether the plates are good": [
            *("quality", f"{folder}/profiles/profiles.parquet", "-o", f"{folder}/quality"),
            *("--reference", NEGATIVE, "--perturbation", PERTURBATION),
        ],
        "the benchmarks that there are": ["evaluate", "--list"],
        "what changed since the first revision": ["diff", f"{PACKAGE}@{first}", PACKAGE],
        "only the images of one plate": [
            *("get", PACKAGE, f"images/{plate}/*.tiff", "-o", f"{folder}/one-plate")
        ],
        "whether you changed a file": ["status", checkout],
        "the room that everything takes": ["du"],
    }
    return tuple(Suggestion(purpose, _at_home(demo, words)) for purpose, words in commands.items())


def _at_home(demo: Demo, words: Sequence[str]) -> str:
    home = shlex.quote(f"{_from_here(demo.folder)}/home")
    return f"CELLFOLIO_HOME={home} cellfolio {shlex.join(words)}"


def _from_here(path: Path) -> str:
    """Return a path as it is named from the working directory, if it is below."""
    here = Path.cwd()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else str(path)
