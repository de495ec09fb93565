"""The documents of a simulated experiment: its README, its notes and the truth."""

from __future__ import annotations

import json
from dataclasses import asdict

from cellfolio.simulation.design import PIXEL_SIZE_UM, ExperimentDesign
from cellfolio.simulation.encoding import FLUORS
from cellfolio.simulation.revisions import RevisionPlan
from cellfolio.simulation.staining import CHANNELS
from cellfolio.simulation.truth import known_truth

SHOWS = (
    "nuclei",
    "nucleoli, cytoplasmic RNA",
    "endoplasmic reticulum",
    "actin, Golgi, plasma membrane",
    "mitochondria",
)
"""What the channels show, in the order of `CHANNELS`."""

_README = """\
# A simulated Cell Painting experiment

**Simulated data.** No cell, plate or compound in this data set exists. It was made by
`cellfolio.simulation` to try out, teach and test software for image-based profiling: small
enough to fetch in seconds, shaped like a real screen, and with known answers.

{plates} plates x {wells} wells x {sites} sites x {channels} channels; {height} x {width} pixel
images, 16 bit, {pixel} µm per pixel. Revision {revision}, seed {seed}.

## Files

| path | what it is |
|---|---|
| `images/<plate>/rXXcXXfXXp01.ome.tiff` | one site as OME-TIFF, axes C, Y, X |
| `segmentation/<plate>/…_nuclei.tiff`, `…_cells.tiff` | the true label images |
| `objects/<plate>.csv` | what is true of each object |
| `load_data/<plate>.csv` | where the images of each site are, for CellProfiler's LoadData |
| `metadata/platemap/` | what is in each well, a table for each plate map |
| `metadata/barcode_platemap.csv` | which plate map each plate has |
| `metadata/external_metadata/perturbations.tsv` | target, mechanism, control type |
| `truth.json` | which perturbations act, on what, and which of them belong together |

Names of images give row, column, field and plane. In label images 0 is background, and
nucleus n lies in cell n. `load_data` joins to `barcode_platemap` on the plate, that to
the plate map on the well, and that to `perturbations` on the perturbation.

## Channels

| | channel | stain it imitates | shows |
|---|---|---|---|
{channel_rows}

## Perturbations

Each plate has {replicates} wells of each perturbation and {negcons} of DMSO, the negative
control. Compound names are invented; targets and mechanisms are real terms, and the effects
are only loosely modelled on them.

| perturbation | target | mechanism of action | control |
|---|---|---|---|
{perturbation_rows}

## How it was made

Nuclei are ellipses with rough edges in random places that do not touch; cells are what lies
nearest to each nucleus and within its reach. Stains are drawn from smoothed random fields.
Then come, for each plate and channel, a gain, a background and an uneven illumination, and
for each image blur, shot noise and read noise. A perturbation multiplies some of these
quantities; `truth.json` names them. Every site has random numbers of its own, derived from
the seed and its place, so the same seed gives the same experiment.

{changes}
## Licence

[CC0 1.0](https://creativecommons.org/publicdomain/zero/1.0/): no rights reserved.
"""

_CHANGES = """\
## What changed in revision 2

* Added: plate {plate}.
* Imaged again, because they were out of focus: {sites}.
* Corrected: {correction}.
* Removed: `metadata/annotation_notes.txt`; what it asked for is done.

"""


def readme(plan: RevisionPlan) -> str:
    """Write the README of a revision, Markdown."""
    design = plan.design
    control_wells = design.well_count - design.replicates * len(design.perturbations)
    return _README.format(
        plates=design.plate_count,
        wells=design.well_count,
        sites=design.site_count,
        channels=len(CHANNELS),
        height=design.image_shape[0],
        width=design.image_shape[1],
        pixel=PIXEL_SIZE_UM,
        revision=plan.number,
        seed=design.seed,
        channel_rows="\n".join(
            f"| {index} | {name} | {fluor} | {shows} |"
            for index, (name, fluor, shows) in enumerate(zip(CHANNELS, FLUORS, SHOWS, strict=True))
        ),
        replicates=design.replicates,
        negcons=control_wells,
        perturbation_rows="\n".join(
            f"| {each.name} | {plan.annotated_target(each)} | {each.moa} | {each.control_type} |"
            for each in design.perturbations
        ),
        changes=_changes(plan) if plan.number > 1 else "",
    )


def _changes(plan: RevisionPlan) -> str:
    wrong = plan.mislabelled
    return _CHANGES.format(
        plate=plan.design.plates[-1].barcode,
        sites=", ".join(f"`{site.image_key}`" for site in plan.blurred),
        correction=f"the target of {wrong.name} is {wrong.target}" if wrong else "nothing",
    )


def notes(plan: RevisionPlan) -> str:
    """Write the notes that only revision 1 has."""
    lines = ["To do before the next revision:"]
    lines += [f"- {site.image_key} looks blurred; image it again" for site in plan.blurred]
    if plan.mislabelled:
        lines.append(f"- check the target of {plan.mislabelled.name} in perturbations.tsv")
    return "\n".join([*lines, ""])


def truth_document(design: ExperimentDesign) -> str:
    """Write the known truth, JSON.

    Examples
    --------
    >>> document = json.loads(truth_document(ExperimentDesign()))
    >>> document["version"], document["inactive"]
    (1, ['simplacib'])
    """
    document = {"format": "cellfolio-simulation-truth", "version": 1, **asdict(known_truth(design))}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
