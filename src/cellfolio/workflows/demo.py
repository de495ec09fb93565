"""The demonstration: a simulated experiment, published twice, got, verified, compared.

Nothing leaves the folder: it has a home of its own, and no network is used.

::

    <folder>/experiment/       what the simulated microscope wrote
    <folder>/home/             a home: store and local registry
    <folder>/cell-painting/    the package as a user gets it
    <folder>/cells.png         a picture of one site
    <folder>/measured/         the cells of each plate, measured
    <folder>/profiles.parquet  a profile of each well; plate.png and profiles.png show them
    <folder>/evaluation/       benchmarks of the profiles
    <folder>/.cellfolio-demo.json
"""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from cellfolio.errors import InvalidArgument
from cellfolio.package.diff import Diff
from cellfolio.package.package import Package
from cellfolio.registries.publish import Pushed
from cellfolio.simulation import (
    CHANNELS,
    ExperimentDesign,
    Site,
    plan_revision,
    write_experiment,
)
from cellfolio.storage.disk import write_atomically
from cellfolio.storage.home import Home
from cellfolio.storage.progress import Progress, ProgressEvent
from cellfolio.workflows.checking import Verified, verify_checkout
from cellfolio.workflows.demo_evaluation import Judged, judge_profiles
from cellfolio.workflows.demo_profiles import (
    NEGATIVE,
    PERTURBATION,
    Measured,
    Profiled,
    make_profiles,
    measure_sites,
)
from cellfolio.workflows.getting import GetOptions, Got, get_package
from cellfolio.workflows.opening import log_package, open_package
from cellfolio.workflows.publishing import Label, build_package
from cellfolio.workflows.space import measure_space

PACKAGE = "demo/cell-painting"
DEFAULT_FOLDER = "cellfolio-demo"
MARKER = ".cellfolio-demo.json"
_MARKER_VERSION = 1
_PARTS = ("experiment", "home", "cell-painting", "measured", "evaluation")
_SHOWN_CHANNELS = ("DNA", "ER", "AGP")

DESIGN = ExperimentDesign(site_count=1)
"""Three plates and a fourth in revision 2: about 20 s on one core."""

MESSAGES = {
    1: "Three plates, as they came from the microscope",
    2: "A fourth plate; two blurred sites imaged again; one target corrected",
}


@dataclass(frozen=True, slots=True)
class Demo:
    """A demonstration in a folder.

    Attributes
    ----------
    folder : Path
        Absolute.
    design : ExperimentDesign
    finished : bool
        Whether all steps were done, now or before.
    home : Home
        Of its own.
    """

    folder: Path
    design: ExperimentDesign
    finished: bool
    home: Home

    @property
    def experiment(self) -> Path:
        """What the simulated microscope wrote."""
        return self.folder / "experiment"

    @property
    def checkout(self) -> Path:
        """The package as a user gets it."""
        return self.folder / "cell-painting"

    @property
    def measured(self) -> Path:
        """The cells of each plate, measured."""
        return self.folder / "measured"


@dataclass(frozen=True, slots=True)
class Simulated:
    """An experiment that was written: plates, sites, channels of each site, files, bytes."""

    plates: int
    sites: int
    channels: int
    files: int
    size: int


@dataclass(frozen=True, slots=True)
class Compared:
    """Two revisions, and what changed."""

    older: Package
    newer: Package
    diff: Diff


@dataclass(frozen=True, slots=True)
class Shared:
    """Room that the revisions take.

    Attributes
    ----------
    revisions : int
    whole, stored : int
        Bytes of all revisions as if each were whole, and in the store.
    """

    revisions: int
    whole: int
    stored: int

    @property
    def saved(self) -> int:
        """Bytes that are not stored twice."""
        return max(0, self.whole - self.stored)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture that was saved: where, of which site, and what is in its well."""

    path: Path
    site: str
    perturbation: str


Outcome = (
    Drawn
    | Simulated
    | Pushed
    | Got
    | Verified
    | Package
    | Compared
    | Measured
    | Profiled
    | Judged
    | Shared
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a demonstration.

    Attributes
    ----------
    title : str
    run : callable
        Takes a progress callable or None; returns what was done.
    """

    title: str
    run: Callable[[Progress | None], Outcome]


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
    """

    top_hashes: tuple[str, ...]
    files: tuple[int, ...]
    compared: Compared
    shared: Shared
    suggestions: tuple[Suggestion, ...] = field(default=())


def prepare_demo(folder: Path, design: ExperimentDesign = DESIGN, *, again: bool = False) -> Demo:
    """Make a folder ready for a demonstration, or find the one that is there.

    A demonstration that was interrupted is cleared away and begun anew.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    design : ExperimentDesign
    again : bool
        Clear away a finished one too.

    Raises
    ------
    InvalidArgument
        If the folder holds something else.
    """
    folder = folder.expanduser().resolve()
    marker = _read_marker(folder)
    home = Home(folder / "home")
    if marker is None and _is_taken(folder):
        raise InvalidArgument(
            f"{folder} is not empty and holds no demonstration",
            hint="name another folder with --folder; nothing was changed",
        )
    whole = marker is not None and marker["finished"] and (home.folder / "registry").is_dir()
    if marker is not None and whole and not again:
        return Demo(folder, replace(design, seed=marker["seed"]), True, home)
    folder.mkdir(parents=True, exist_ok=True)
    _write_marker(folder, design, finished=False)
    for part in _PARTS:
        shutil.rmtree(folder / part, ignore_errors=True)
    return Demo(folder, design, False, home)


def _is_taken(folder: Path) -> bool:
    if not folder.exists():
        return False
    return not folder.is_dir() or any(folder.iterdir())


def _read_marker(folder: Path) -> dict[str, Any] | None:
    try:
        found = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        if found["version"] != _MARKER_VERSION:
            return None
        return {"seed": int(found["seed"]), "finished": bool(found["finished"])}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_marker(folder: Path, design: ExperimentDesign, *, finished: bool) -> None:
    document = {"version": _MARKER_VERSION, "seed": design.seed, "finished": finished}
    write_atomically(folder / MARKER, json.dumps(document).encode())


def demo_steps(demo: Demo) -> tuple[Step, ...]:
    """Return the steps of a demonstration, to be run in order."""
    return (
        Step("Simulate a Cell Painting experiment", partial(simulate, demo, 1)),
        Step("Publish it in the local registry", partial(publish, demo, 1)),
        Step("Simulate what is done a week later", partial(simulate, demo, 2)),
        Step("Publish that as the next revision", partial(publish, demo, 2)),
        Step("Get the package into a folder", partial(get_latest, demo)),
        Step("Hash every file that was put there", partial(verify, demo)),
        Step("Look into the package", partial(look, demo)),
        Step("Compare the revisions", partial(compare, demo)),
        Step("Look at the cells of a site", partial(draw, demo)),
        Step("Measure every cell of every site", partial(measure, demo)),
        Step("Make a profile of each well", partial(profile, demo)),
        Step("See whether benchmarks find the truth", partial(judge, demo)),
        Step("Count the bytes", partial(finish, demo)),
    )


def simulate(demo: Demo, revision: int, progress: Progress | None = None) -> Simulated:
    """Write one revision of the experiment."""

    def tell(done: int, total: int) -> None:
        if progress is not None:
            progress(ProgressEvent("simulate", done, total, 0, 0, done == total))

    plan = plan_revision(demo.design, revision)
    written = write_experiment(
        demo.design, demo.experiment, revision=revision, force=True, progress=tell
    )
    design = plan.design
    return Simulated(
        design.plate_count, design.size, len(CHANNELS), len(written.keys), written.size
    )


def publish(demo: Demo, revision: int, progress: Progress | None = None) -> Pushed:
    """Publish what was written in the local registry of the demonstration."""
    design = plan_revision(demo.design, revision).design
    height, width = design.image_shape
    meta = {
        "assay": "Cell Painting",
        "simulated": True,
        "seed": design.seed,
        "plates": [plate.barcode for plate in design.plates],
        "image_shape": [height, width],
    }
    label = Label(MESSAGES.get(revision), meta)
    return build_package(demo.experiment, PACKAGE, demo.home, label, progress=progress)


def get_latest(demo: Demo, progress: Progress | None = None) -> Got:
    """Get the newest revision into a folder, as copies: a user may try what a change does."""
    opened = open_package(PACKAGE, demo.home)
    options = GetOptions(how="copy")
    return get_package(opened, demo.checkout, demo.home, options, progress=progress)


def verify(demo: Demo, progress: Progress | None = None) -> Verified:
    """Hash every file that was put there."""
    return verify_checkout(demo.checkout, demo.home, progress=progress)


def look(demo: Demo, progress: Progress | None = None) -> Package:
    """Open the newest revision."""
    return open_package(PACKAGE, demo.home, progress=progress).package


def draw(demo: Demo, progress: Progress | None = None) -> Drawn:
    """Save a picture of one site: three channels in colour, nuclei and cells outlined."""
    from cellfolio.imaging.options import ViewOptions
    from cellfolio.workflows.viewing import view

    site = _first_site(demo)
    path = demo.folder / "cells.png"
    overlays = [f"{PACKAGE}/{site.labels_key(kind)}" for kind in ("nuclei", "cells")]
    options = ViewOptions(style="composite", channels=_SHOWN_CHANNELS)
    picture = view(f"{PACKAGE}/{site.image_key}", options, overlays=overlays, home=demo.home)
    picture.save(path)
    return Drawn(path, f"{site.plate.barcode} {site.well.well}", site.well.perturbation.name)


def measure(demo: Demo, progress: Progress | None = None) -> Measured:
    """Find and measure the cells of all sites of the newest revision."""
    return measure_sites(demo.checkout, demo.measured, demo.home, progress)


def profile(demo: Demo, progress: Progress | None = None) -> Profiled:
    """Turn the measured cells into profiles, and draw them."""
    cells = sorted((demo.measured / "cells").iterdir())
    return make_profiles(demo.checkout, cells, demo.folder)


def judge(demo: Demo, progress: Progress | None = None) -> Judged:
    """Run benchmarks on the profiles, whose truth is known."""
    return judge_profiles(demo.checkout, demo.folder, demo.home)


def _first_site(demo: Demo) -> Site:
    """Return the first site of a well that is no control."""
    sites = plan_revision(demo.design, 2).sites
    return next(site for site in sites if not site.well.control_type)


def compare(demo: Demo, progress: Progress | None = None) -> Compared:
    """Compare the first revision with the newest."""
    first = log_package(PACKAGE, demo.home)[-1].revision.top_hash
    older = open_package(f"{PACKAGE}@{first}", demo.home, progress=progress).package
    newer = look(demo)
    return Compared(older, newer, older.diff(newer))


def share(demo: Demo) -> Shared:
    """Measure the room that the revisions take."""
    space = measure_space(demo.home)
    packages = [one for one in space.packages if one.name == PACKAGE]
    whole = sum(one.size for one in packages)
    return Shared(sum(one.revisions for one in packages), whole, space.size)


def finish(demo: Demo, progress: Progress | None = None) -> Shared:
    """Measure the room that the revisions take, and note that all is done."""
    shared = share(demo)
    _write_marker(demo.folder, demo.design, finished=True)
    return shared


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
    )


def suggest(demo: Demo) -> tuple[Suggestion, ...]:
    """Return commands to try next; each works when it is pasted into a shell here."""
    first = log_package(PACKAGE, demo.home)[-1].revision.top_hash[:12]
    plate = demo.design.plates[0].barcode
    folder, checkout = _from_here(demo.folder), _from_here(demo.checkout)
    image = [f"{PACKAGE}/{_first_site(demo).image_key}", "-o", f"{folder}/channels.png"]
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
            *("quality", f"{folder}/profiles.parquet", "-o", f"{folder}/quality"),
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
    home = shlex.quote(f"{folder}/home")
    return tuple(
        Suggestion(purpose, f"CELLFOLIO_HOME={home} cellfolio {shlex.join(words)}")
        for purpose, words in commands.items()
    )


def _from_here(path: Path) -> str:
    """Return a path as it is named from the working directory, if it is below."""
    here = Path.cwd()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else str(path)
