"""Writes a simulated experiment to a folder: the only module here that touches a disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cellfolio.errors import CheckoutConflict
from cellfolio.simulation.design import ExperimentDesign
from cellfolio.simulation.documents import notes, readme, truth_document
from cellfolio.simulation.encoding import label_tiff, ome_tiff
from cellfolio.simulation.revisions import REVISIONS, RevisionPlan, Site, plan_revision
from cellfolio.simulation.site import ObjectTruth, simulate_site
from cellfolio.simulation.tables import (
    barcode_table,
    load_data_table,
    object_table,
    perturbation_table,
    plate_map_tables,
)
from cellfolio.storage.disk import write_atomically

NOTES_KEY = "metadata/annotation_notes.txt"
BARCODES_KEY = "metadata/barcode_platemap.csv"
PERTURBATIONS_KEY = "metadata/external_metadata/perturbations.tsv"

File = tuple[str, bytes]
"""Logical key and content."""


@dataclass(frozen=True, slots=True)
class WrittenExperiment:
    """What was written.

    Parameters
    ----------
    folder : Path
        Where.
    keys : tuple of str
        Paths of the files within the folder, ``/`` between components, sorted.
    size : int
        Bytes of all files.
    """

    folder: Path
    keys: tuple[str, ...]
    size: int


def write_experiment(
    design: ExperimentDesign,
    folder: str | Path,
    *,
    revision: int = 1,
    force: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> WrittenExperiment:
    """Simulate an experiment and write it to a folder.

    The same design and revision give the same files, byte for byte. Every file gets its name
    only when it is complete.

    Parameters
    ----------
    design : ExperimentDesign
        The experiment, as its first revision has it.
    folder : str or Path
        Made if it is not there. Files of other names in it are left alone.
    revision : int
        1, or 2 for the same experiment after corrections: see `plan_revision`.
    force : bool
        Whether to replace files of an earlier writing, and to delete those that this revision
        no longer has.
    progress : callable, optional
        Called with the number of files written and the number of files to write.

    Returns
    -------
    WrittenExperiment
        Names and size of the files.

    Raises
    ------
    InvalidArgument
        There is no such revision.
    CheckoutConflict
        The folder has some of the files already, and `force` was not asked for. Nothing
        was written.

    Examples
    --------
    >>> import tempfile
    >>> from cellfolio.simulation import LIBRARY
    >>> design = ExperimentDesign(
    ...     plate_count=1, plate_shape=(2, 3), site_count=1, image_shape=(64, 64),
    ...     perturbations=LIBRARY[:4],
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = write_experiment(design, folder)
    >>> len(written.keys), written.keys[0], written.keys[-1]
    (26, 'README.md', 'truth.json')
    """
    plan = plan_revision(design, revision)
    keys = experiment_keys(plan)
    target = Path(folder)
    present = [key for key in keys if os.path.lexists(target / key)]
    if present and not force:
        raise CheckoutConflict(str(target), present)
    size = 0
    for done, (key, content) in enumerate(experiment_files(plan), start=1):
        path = target / key
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
        size += len(content)
        if progress is not None:
            progress(done, len(keys))
    if force:
        for key in _keys_of_other_revisions(design).difference(keys):
            (target / key).unlink(missing_ok=True)
    return WrittenExperiment(target, keys, size)


def experiment_keys(plan: RevisionPlan) -> tuple[str, ...]:
    """Return the paths of all files of a revision, sorted, without making any.

    Parameters
    ----------
    plan : RevisionPlan
        What the revision holds.

    Returns
    -------
    tuple of str
        Relative, ``/`` between components.
    """
    keys = ["README.md", "truth.json", BARCODES_KEY, PERTURBATIONS_KEY]
    keys += {_plate_map_key(plate.plate_map) for plate in plan.design.plates}
    if plan.number == 1:
        keys.append(NOTES_KEY)
    for plate in plan.design.plates:
        keys += [f"load_data/{plate.barcode}.csv", f"objects/{plate.barcode}.csv"]
    for site in plan.sites:
        keys += [site.image_key, site.labels_key("nuclei"), site.labels_key("cells")]
    return tuple(sorted(keys))


def experiment_files(plan: RevisionPlan) -> Iterator[File]:
    """Make the files of a revision one after the other.

    Parameters
    ----------
    plan : RevisionPlan
        What the revision holds.

    Yields
    ------
    tuple of str and bytes
        Path and content; small documents first, then plate by plate.
    """
    design = plan.design
    yield "README.md", readme(plan).encode()
    yield "truth.json", truth_document(design).encode()
    for name, table in plate_map_tables(design).items():
        yield _plate_map_key(name), table.text().encode()
    yield BARCODES_KEY, barcode_table(design).text().encode()
    yield PERTURBATIONS_KEY, perturbation_table(plan).text("\t").encode()
    if plan.number == 1:
        yield NOTES_KEY, notes(plan).encode()
    for plate in design.plates:
        sites = plan.sites_of(plate)
        yield f"load_data/{plate.barcode}.csv", load_data_table(design, sites).text().encode()
        truths: list[tuple[Site, tuple[ObjectTruth, ...]]] = []
        for site in sites:
            result = simulate_site(
                design, plate, site.well, site.number, acquisition=plan.acquisition(site)
            )
            truths.append((site, result.objects))
            yield site.image_key, ome_tiff(result.images, f"{plate.barcode}/{site.name}")
            yield site.labels_key("nuclei"), label_tiff(result.nuclei)
            yield site.labels_key("cells"), label_tiff(result.cells)
        yield f"objects/{plate.barcode}.csv", object_table(truths).text().encode()


def _plate_map_key(name: str) -> str:
    return f"metadata/platemap/{name}.csv"


def _keys_of_other_revisions(design: ExperimentDesign) -> set[str]:
    return {key for number in REVISIONS for key in experiment_keys(plan_revision(design, number))}
