"""Write ``docs/reference/cellprofiler.md``: how near our features are to those of CellProfiler.

Run it from the checkout, with the shared data beside it, after a change of measurement::

    python -m docs.make_cellprofiler_table
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from cellfolio.measurement import (
    GROUPS,
    MeasurementSettings,
    Spectrum,
    measure_objects,
    scale_image,
)
from tests.measurement.golden import KINDS, SITES, GoldenSite, read_site

PAGE = Path(__file__).parent / "reference" / "cellprofiler.md"
SHARED = Path(os.environ.get("CELLFOLIO_SHARED", Path(__file__).parent.parent.parent / "shared"))

_START = """\
# Differences to CellProfiler

<!-- Made by docs/make_cellprofiler_table.py; change the program, not this file. -->

`cellfolio.measurement` against CellProfiler 4.2.8.1, which measured two sites of CPJUMP1 with the
settings of its published pipeline. Both have the same labels, so that only the measurement is
compared. A feature is equal if it is so to 1e-6, relative, for **every** object.

"""
_REASONS = """
## What differs, and why

| features | reason |
|---|---|
| `Location_MaxIntensity_…` | where several pixels of an object have its \
greatest value, CellProfiler takes the one that an unstable sort leaves last, which depends on \
the processor; here it is the first, row by row |
| `Neighbors_…_5` of cells | CellProfiler had the cells of nuclei that were discarded \
at the border as neighbours, and its labels do not have them; give them with `around=` |

`Parent_…`, `Children_…` and `Number_…` are told by segmentation, not measured.
`Location_Center_Z` is 0 in a plane, and left out.
"""


def compared(site: GoldenSite) -> Iterator[tuple[str, str, int, int, float]]:
    """Yield kind, group, features, equal ones and the worst relative difference of these."""
    spectra = {name: Spectrum.of(scale_image(image)) for name, image in site.images.items()}
    for kind in KINDS:
        settings = MeasurementSettings(neighbor_distance=1 if kind == "Nuclei" else 5)
        found = measure_objects(site.labels[kind], site.images, settings, spectra=spectra)
        golden = site.tables[kind]
        names = [name for name in found if name in golden and name != "ObjectNumber"]
        for group in GROUPS:
            of_group = [str(name) for name in names if str(name).startswith(group)]
            if not of_group:
                continue
            ours, theirs = found[of_group].to_numpy(), golden[of_group].to_numpy()
            near = np.isclose(ours, theirs, rtol=1e-6, atol=1e-11, equal_nan=True).all(axis=0)
            with np.errstate(divide="ignore", invalid="ignore"):
                apart = np.abs(ours - theirs) / np.maximum(np.abs(theirs), 1e-5)
            worst = float(np.nanmax(apart[:, near])) if near.any() else 0.0
            yield kind, group, len(near), int(near.sum()), worst


def main() -> None:
    """Write the page."""
    lines = [_START]
    for name in SITES:
        site = read_site(SHARED, name)
        lines.append(f"## {name.replace('_', ', ')}: {len(site.tables['Cells'])} cells\n\n")
        lines.append(
            "| objects | features | number | equal | worst of these |\n|---|---|---|---|---|\n"
        )
        rows = list(compared(site))
        for kind, group, number, equal, worst in rows:
            lines.append(f"| {kind} | {group} | {number} | {equal} | {worst:.0e} |\n")
        number, equal = sum(row[2] for row in rows), sum(row[3] for row in rows)
        lines.append(f"| all | | {number:,} | {equal:,} ({equal / number:.2%}) | |\n\n")
    PAGE.write_text("".join(lines).rstrip("\n") + "\n" + _REASONS, encoding="utf-8")
    print(f"wrote {PAGE}")


if __name__ == "__main__":
    main()
