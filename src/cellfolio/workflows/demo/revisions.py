"""The first half of the demonstration: an experiment, published twice, got, compared, drawn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cellfolio.package.diff import Diff
from cellfolio.package.package import Package
from cellfolio.registries.publish import Pushed
from cellfolio.simulation import CHANNELS, Site, plan_revision, write_experiment
from cellfolio.storage.progress import Progress, ProgressEvent
from cellfolio.workflows.checking import Verified, verify_checkout
from cellfolio.workflows.demo.folder import Demo
from cellfolio.workflows.getting import GetOptions, Got, get_package
from cellfolio.workflows.opening import log_package, open_package
from cellfolio.workflows.publishing import Label, build_package
from cellfolio.workflows.space import measure_space

PACKAGE = "demo/cell-painting"
MESSAGES = {
    1: "Three plates, as they came from the microscope",
    2: "A fourth plate; two blurred sites imaged again; one target corrected",
}
_SHOWN_CHANNELS = ("DNA", "ER", "AGP")


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

    site = first_site(demo)
    path = demo.folder / "cells.png"
    overlays = [f"{PACKAGE}/{site.labels_key(kind)}" for kind in ("nuclei", "cells")]
    options = ViewOptions(style="composite", channels=_SHOWN_CHANNELS)
    picture = view(f"{PACKAGE}/{site.image_key}", options, overlays=overlays, home=demo.home)
    picture.save(path)
    return Drawn(path, f"{site.plate.barcode} {site.well.well}", site.well.perturbation.name)


def first_site(demo: Demo) -> Site:
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
