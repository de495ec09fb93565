"""Lasso and ridge for many targets, against scikit-learn.

``python -m benchmarks.prediction`` takes the 162 compounds of ``cdrp_162`` in the shared folder
that ``CELLFOLIO_SHARED`` names (by default ``../shared``), measures everything in turn, prints the
table and writes it into ``benchmarks/README.md``. Options as those of ``benchmarks.transfer``; with
``--quick`` one of the 40 folds of the large lasso is measured, and taken 40 times.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from benchmarks.measure import Figures, Run, measure
from benchmarks.report import Line, Options, run_in_scratch
from benchmarks.steps.prediction import read_pair, standardized
from cellfolio.evaluation import group_folds

GENES, SAMPLE, LARGE = 978, 12, 40
_JUDGED = 24
"""Genes whose coefficients are compared with those of a converged solver."""


class Bench:
    """The real data, and where weights are kept."""

    def __init__(self, scratch: Path, rounds: int, *, quick: bool) -> None:
        default = Path(__file__).parent.parent.parent / "shared"
        self.shared = os.environ.get("CELLFOLIO_SHARED", str(default))
        self.kept = scratch / "weights.npz"
        self.rounds = rounds
        self.large = 1 if quick else LARGE

    def measure(self, runs: Mapping[str, Run], threads: int = 1) -> dict[str, Figures]:
        """Measure in turn, with so many threads for linear algebra."""
        count = str(threads)
        environment = {"OPENBLAS_NUM_THREADS": count, "OMP_NUM_THREADS": count}
        environment["PYTHONWARNINGS"] = "ignore"  # scikit-learn tells of each gene not converged
        return measure(runs, lambda *_: environment, self.rounds, lambda: None)


def _times(figures: Figures, factor: float) -> Figures:
    return Figures(figures.wall * factor, figures.cpu * factor, figures.memory)


def lasso(bench: Bench) -> list[Line]:
    """Fit every gene in 6 outer and 5 inner folds; the peer some of them."""
    found = bench.measure(
        {
            "ours": lambda _: ["ours_lasso", bench.shared, str(bench.kept)],
            "peer": lambda _: ["sklearn_lasso", bench.shared, str(SAMPLE)],
        }
    )
    ours, theirs = found["ours"], _times(found["peer"], GENES / SAMPLE)
    less, apart = theirs.cpu / ours.cpu, _difference(bench)
    shown = f"lasso, 162 × 812 → {GENES}, 6 × 5 folds, 28 penalties"
    peer = f"LassoCV, tol 1e-4, {SAMPLE} genes × {GENES / SAMPLE:.1f}"
    return [
        Line(shown, ours, peer, theirs, "≥ 60× less CPU", f"{less:.0f}× less", less >= 60),
        Line(
            f"its coefficients, {_JUDGED} genes", ours, "Lasso, tol 1e-12", None,
            "within 1e-6", f"{apart:.0e}", apart <= 1e-6,
        ),
    ]  # fmt: skip


def _difference(bench: Bench) -> float:
    """Return how far the weights of the first fold are from those of a converged solver."""
    from sklearn.linear_model import Lasso

    features, targets = read_pair(bench.shared)
    known = group_folds(range(len(features)), 6) != 0
    values, wanted = standardized(features[known]), standardized(targets[known])
    kept, worst = np.load(bench.kept), 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for gene in np.linspace(0, GENES - 1, _JUDGED).astype(int):
            peer = Lasso(kept["penalties"][gene], tol=1e-12, max_iter=10_000_000)
            peer.fit(values, wanted[:, gene])
            worst = max(worst, float(np.abs(peer.coef_ - kept["weights"][:, gene]).max()))
    return worst


def large_lasso(bench: Bench) -> list[Line]:
    """Fit as many rows and targets as CDRP has, on two cores."""
    found = bench.measure({"ours": lambda _: ["ours_large_lasso", str(bench.large)]}, threads=2)
    ours = _times(found["ours"], LARGE / bench.large)
    shown = f"lasso, 20,358 × 727 → 977, {LARGE} × 5 folds, two cores"
    if bench.large < LARGE:
        shown += f" (measured: {bench.large} fold × {LARGE // bench.large})"
    minutes = ours.wall / 60
    wanted = "≤ 10 minutes"
    return [Line(shown, ours, "—", None, wanted, f"{minutes:.1f} minutes", minutes <= 10)]


def ridge(bench: Bench) -> list[Line]:
    """Fit every gene with a penalty of its own."""
    found = bench.measure(
        {
            "ours": lambda _: ["ridge", bench.shared, "ours"],
            "peer": lambda _: ["ridge", bench.shared, "peer"],
        }
    )
    ours, theirs = found["ours"], found["peer"]
    less = theirs.cpu / ours.cpu
    shown = f"ridge, 162 × 812 → {GENES}, 6 folds, 15 penalties"
    peer = "RidgeCV, alpha_per_target"
    return [Line(shown, ours, peer, theirs, "≥ 5× less CPU", f"{less:.1f}× less", less >= 5)]


PARTS = (lasso, ridge, large_lasso)


def main() -> None:
    """Measure, print and write the table."""

    def bench(scratch: Path, options: Options) -> Bench:
        return Bench(scratch, options.rounds, quick=options.quick)

    run_in_scratch(PARTS, bench, "prediction", __doc__)


if __name__ == "__main__":
    main()
