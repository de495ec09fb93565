"""The steps of the demonstration, in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from cellfolio.package.package import Package
from cellfolio.registries.publish import Pushed
from cellfolio.storage.progress import Progress
from cellfolio.workflows.checking import Verified
from cellfolio.workflows.demo.evaluation import Judged, judge_profiles
from cellfolio.workflows.demo.folder import Demo, mark_finished
from cellfolio.workflows.demo.profiles import Measured, Profiled, make_profiles, measure_sites
from cellfolio.workflows.demo.revisions import (
    Compared,
    Drawn,
    Shared,
    Simulated,
    compare,
    draw,
    get_latest,
    look,
    publish,
    share,
    simulate,
    verify,
)
from cellfolio.workflows.getting import Got

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


def measure(demo: Demo, progress: Progress | None = None) -> Measured:
    """Find and measure the cells of all sites of the newest revision."""
    return measure_sites(demo.checkout, demo.measured, demo.home, progress)


def profile(demo: Demo, progress: Progress | None = None) -> Profiled:
    """Turn the measured cells into profiles, and draw them."""
    cells = sorted((demo.measured / "cells").iterdir())
    return make_profiles(demo.checkout, cells, demo.folder / "profiles")


def judge(demo: Demo, progress: Progress | None = None) -> Judged:
    """Run benchmarks on the profiles, whose truth is known."""
    return judge_profiles(demo.checkout, demo.folder, demo.home)


def finish(demo: Demo, progress: Progress | None = None) -> Shared:
    """Measure the room that the revisions take, and note that all is done."""
    shared = share(demo)
    mark_finished(demo)
    return shared
