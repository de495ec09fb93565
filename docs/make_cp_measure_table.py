"""Write ``docs/reference/cp_measure.md``: how near our features are to those of cp_measure.

Run it from the checkout, with the shared data beside it, after a change of measurement; it takes
some minutes, which cp_measure needs::

    python -m docs.make_cp_measure_table
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np

from cellfolio.measurement import GROUPS, Spectrum, measure_objects, scale_image
from tests.measurement.golden import KINDS, GoldenSite, read_site
from tests.measurement.peer import measure_by_peer

PAGE = Path(__file__).parent / "reference" / "cp_measure.md"
SHARED = Path(os.environ.get("CELLFOLIO_SHARED", Path(__file__).parent.parent.parent / "shared"))
SITE = "DMSO_r04c14f05"

_START = """\
# Differences to cp_measure

<!-- Made by docs/make_cp_measure_table.py; change the program, not this file. -->

`cellfolio.measurement` against [cp_measure](https://pypi.org/project/cp-measure/) {version}, which
computes features of CellProfiler without it: the first site of CPJUMP1 in the
[table for CellProfiler](cellprofiler.md), with the same labels and images, and the settings of
CPJUMP1 (`legacy=True` for quartiles, granularity at half the size, intensities in double
precision). Equal is what is so to 1e-6, relative; the last column is of all values of all objects,
with those that are missing in both. Where the two differ, CellProfiler decides, and there the
values here are [equal to its own](cellprofiler.md).

| objects | features | number | equal for every object | values that are equal |
|---|---|---|---|---|
"""
_REASONS = """
## What differs, and why

| features | reason |
|---|---|
| `Correlation_RWC_…` | ranks: of all pixels of all objects in CellProfiler and here, of the \
pixels of one object in cp_measure |
| `RadialDistribution_…` | where several pixels of an object are farthest from its edge, \
CellProfiler and cp_measure choose another one as the centre |
| `Texture_…` | missing in cp_measure, 0 in CellProfiler and here, where an object has no pair of \
pixels in a direction; no object of this site |
| `Correlation_Costes_…` (an option) | thresholds: of the whole image in CellProfiler and here, of \
one object in cp_measure; for a whole image they are the same |

`Neighbors_…` have a function of their own in cp_measure, without CellProfiler's rules for objects \
that were discarded, and are not compared. cp_measure has features that the pipeline of CPJUMP1 \
has not (moments, `AreaShape_PerimeterCrofton`, slopes of objects); they are not measured here.
"""


def compared(site: GoldenSite) -> Iterator[tuple[str, str, int, int, float]]:
    """Yield kind, group, features, equal ones and the share of values that are equal."""
    spectra = {name: Spectrum.of(scale_image(image)) for name, image in site.images.items()}
    for kind in KINDS:
        found = measure_objects(site.labels[kind], site.images, spectra=spectra)
        peer = measure_by_peer(site.labels[kind], site.images)
        for group in GROUPS:
            names = [str(name) for name in found if name in peer and str(name).startswith(group)]
            if names:
                ours, theirs = found[names].to_numpy(), peer[names].to_numpy()
                near = np.isclose(ours, theirs, rtol=1e-6, atol=1e-11, equal_nan=True)
                yield kind, group, len(names), int(near.all(axis=0).sum()), float(near.mean())


def main() -> None:
    """Write the page."""
    rows = list(compared(read_site(SHARED, SITE)))
    lines = [_START.format(version=version("cp_measure"))]
    for kind, group, number, equal, share in rows:
        lines.append(f"| {kind} | {group} | {number} | {equal} | {share:.2%} |\n")
    number, equal = sum(row[2] for row in rows), sum(row[3] for row in rows)
    share = sum(row[4] * row[2] for row in rows) / number
    lines.append(f"| all | | {number:,} | {equal:,} ({equal / number:.1%}) | {share:.2%} |\n")
    PAGE.write_text("".join(lines) + _REASONS, encoding="utf-8")
    print(f"wrote {PAGE}")


if __name__ == "__main__":
    main()
