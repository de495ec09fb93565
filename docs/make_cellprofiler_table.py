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
    measure_image,
    measure_objects,
    measure_threshold,
    scale_image,
    segment,
)
from tests.measurement.golden import KINDS, SITES, GoldenSite, read_image_table, read_site
from tests.measurement.human import read_human

PAGE = Path(__file__).parent / "reference" / "cellprofiler.md"
SHARED = Path(os.environ.get("CELLFOLIO_SHARED", Path(__file__).parent.parent.parent / "shared"))

_START = """\
# Differences to CellProfiler

<!-- Made by docs/make_cellprofiler_table.py; change the program, not this file. -->

`cellfolio.measurement` against CellProfiler 4.2.8.1, which measured two sites of CPJUMP1 with the
settings of its published pipeline. Both have the same labels, so that only the measurement is
compared. A feature is equal if it is so to 1e-6, relative, for **every** object; "Image" is the
whole site.

"""
_REASONS = """
## What differs, and why

| features | reason |
|---|---|
| `Location_MaxIntensity_…` | where several pixels of an object have its \
greatest value, CellProfiler takes the one that an unstable sort leaves last, which depends on \
the processor; here it is the first, row by row |
| `Granularity_1_…` of images | CellProfiler divides by a mean that it takes in single precision, \
whose last digit depends on the order of the sum; shares differ by less than 1e-5 |

Neighbours may be objects that were discarded, which CellProfiler's labels do not have: they are
those of `segment`, whose other labels equal CellProfiler's in every pixel.

`Parent_…`, `Children_…` and `Number_…` are told by segmentation, not measured.
`Location_Center_Z` is 0 in a plane, and left out. Thresholds are told by segmentation, too; of what
is measured of them, that of cells is compared.
"""
_HUMAN = """\
## Another image, an older release

CellProfiler's example of human cells, one image of 8 bits with the tables of an older release. They
come without labels. {matched} of its {count} nuclei lie alone, and are made again to the pixel from
the published threshold; these are compared.

| objects | features | number | equal |
|---|---|---|---|
"""
_HUMAN_REASONS = """\

| features | reason |
|---|---|
| `AreaShape_Orientation` | in radians there; turned into degrees, all are equal |
| `AreaShape_Solidity` | the older release counts fewer pixels in convex hulls |
| `Location_MaxIntensity_…` | ties, as above |

Its cells and cytoplasm follow from dividing and propagation, and its phospho-histone 3 objects from
a threshold in three classes; without labels they cannot be matched to the pixel in this way.
"""


def compared(site: GoldenSite) -> Iterator[tuple[str, str, int, int, float]]:
    """Yield kind, group, features, equal ones and the worst relative difference of these."""
    spectra = {name: Spectrum.of(scale_image(image)) for name, image in site.images.items()}
    segmented = segment(site.images)
    for kind in KINDS:
        settings = MeasurementSettings(neighbor_distance=1 if kind == "Nuclei" else 5)
        around = None if kind == "Cytoplasm" else segmented.around(kind)
        found = measure_objects(
            site.labels[kind], site.images, settings, around=around, spectra=spectra
        )
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


def compared_images(site: GoldenSite, golden: dict[str, float]) -> tuple[int, int, float]:
    """Return the number of features of a site, that of equal ones and the worst of these."""
    found = measure_image(site.images)
    rna = scale_image(site.images["RNA"])
    found |= measure_threshold(rna, rna >= golden["Threshold_FinalThreshold_Cells"], "Cells")
    ours = np.array(list(found.values()))
    theirs = np.array([golden[name] for name in found])
    near = np.isclose(ours, theirs, rtol=1e-6, atol=1e-11)
    worst = np.abs(ours - theirs) / np.maximum(np.abs(theirs), 1e-5)
    return len(near), int(near.sum()), float(worst[near].max())


def compared_human() -> Iterator[str]:
    """Yield lines about the example of human cells."""
    human = read_human(SHARED)
    yield _HUMAN.format(matched=len(human.table), count=human.count)
    groups = ("AreaShape", "Intensity", "Location")
    found = measure_objects(human.labels, human.images, MeasurementSettings(groups=groups))
    for group in groups:
        names = [str(one) for one in found if str(one).startswith(group) and one in human.table]
        near = np.isclose(found[names], human.table[names], rtol=1e-6, atol=1e-11)
        yield f"| Nuclei | {group} | {len(names)} | {near.all(axis=0).sum()} |\n"
    yield _HUMAN_REASONS


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
        number, equal, worst = compared_images(site, read_image_table(SHARED, name))
        lines.append(f"| Image | all | {number} | {equal} | {worst:.0e} |\n")
        number += sum(row[2] for row in rows)
        equal += sum(row[3] for row in rows)
        lines.append(f"| all | | {number:,} | {equal:,} ({equal / number:.2%}) | |\n\n")
    lines += [_REASONS.removeprefix("\n"), "\n", *compared_human()]
    PAGE.write_text("".join(lines), encoding="utf-8")
    print(f"wrote {PAGE}")


if __name__ == "__main__":
    main()
