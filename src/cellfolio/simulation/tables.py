"""The tables of a simulated experiment, in the shapes that CPJUMP1 publishes."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable
from dataclasses import dataclass

from cellfolio.simulation.design import PIXEL_SIZE_UM, ExperimentDesign, Plate
from cellfolio.simulation.perturbations import DMSO
from cellfolio.simulation.revisions import RevisionPlan, Site
from cellfolio.simulation.site import ObjectTruth
from cellfolio.simulation.staining import CHANNELS

Cell = str | int | float


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under named columns.

    Parameters
    ----------
    columns : tuple of str
        Names.
    rows : tuple of tuple
        As long as `columns` each.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def text(self, delimiter: str = ",") -> str:
        r"""Return the table as delimited text with a header and Unix line ends.

        Parameters
        ----------
        delimiter : str
            Comma or tab.

        Returns
        -------
        str
            The text.

        Examples
        --------
        >>> Table(("a", "b"), ((1, "x,y"),)).text()
        'a,b\n1,"x,y"\n'
        """
        out = io.StringIO()
        writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows(self.rows)
        return out.getvalue()


def plate_map_tables(design: ExperimentDesign) -> dict[str, Table]:
    """Tabulate what is in each well, by the name of the plate map."""
    first_plates: dict[str, Plate] = {}
    for plate in design.plates:
        first_plates.setdefault(plate.plate_map, plate)
    columns = ("well_position", "perturbation", "solvent")
    return {
        name: Table(
            columns,
            tuple((well.well, well.perturbation.name, DMSO.name) for well in design.layout(plate)),
        )
        for name, plate in first_plates.items()
    }


def barcode_table(design: ExperimentDesign) -> Table:
    """Tabulate which plate map each plate has."""
    return Table(
        ("Assay_Plate_Barcode", "Plate_Map_Name"),
        tuple((plate.barcode, plate.plate_map) for plate in design.plates),
    )


def perturbation_table(plan: RevisionPlan) -> Table:
    """Tabulate the perturbations as the revision annotates them, negative control first."""
    return Table(
        ("perturbation", "target", "moa", "modality", "pert_type", "control_type"),
        tuple(
            (
                each.name,
                plan.annotated_target(each),
                each.moa,
                each.modality,
                each.pert_type,
                each.control_type,
            )
            for each in (DMSO, *plan.design.perturbations)
        ),
    )


def load_data_table(design: ExperimentDesign, sites: Iterable[Site]) -> Table:
    """Tabulate where the images of sites are, as CellProfiler's LoadData module reads it.

    Positions are metres from the middle of the well to the middle of the image, y upwards, as
    an Opera Phenix writes them. Paths are relative to the folder of the experiment.
    """
    metadata = ("Plate", "Well", "Site", "Row", "Col", "PositionX", "PositionY")
    kinds = ("Nuclei", "Cells")
    columns = [f"Metadata_{name}" for name in metadata]
    columns += [
        f"{part}_Orig{channel}"
        for channel in CHANNELS
        for part in ("FileName", "PathName", "Frame")
    ]
    columns += [f"Objects_{part}_{kind}" for kind in kinds for part in ("FileName", "PathName")]
    rows = []
    for site in sites:
        y, x = _position(design, site.number)
        row: list[Cell] = [site.plate.barcode, site.well.well, site.number]
        row += [site.well.row, site.well.column, f"{x:.9f}", f"{y:.9f}"]
        for frame in range(len(CHANNELS)):
            row += [*_split(site.image_key), frame]
        for kind in kinds:
            row += _split(site.labels_key(kind.lower()))
        rows.append(tuple(row))
    return Table(tuple(columns), tuple(rows))


def _split(key: str) -> list[str]:
    folder, _, name = key.rpartition("/")
    return [name, folder]


def _position(design: ExperimentDesign, number: int) -> tuple[float, float]:
    """Place sites on a square grid around the middle of the well, row by row."""
    side = math.ceil(math.sqrt(design.site_count))
    row, column = divmod(number - 1, side)
    metre = PIXEL_SIZE_UM * 1e-6
    middle = (side - 1) / 2
    return (
        (middle - row) * design.image_shape[0] * metre,
        (column - middle) * design.image_shape[1] * metre,
    )


def object_table(sites: Iterable[tuple[Site, tuple[ObjectTruth, ...]]]) -> Table:
    """Tabulate the objects of sites, nuclei and cells in one row."""
    columns = (
        "Metadata_Plate",
        "Metadata_Well",
        "Metadata_Site",
        "ObjectNumber",
        "Nuclei_Location_Center_X",
        "Nuclei_Location_Center_Y",
        "Nuclei_AreaShape_Area",
        "Cells_AreaShape_Area",
        "dna_content",
        "mitotic",
        "touches_border",
    )
    return Table(
        columns,
        tuple(
            (
                site.plate.barcode,
                site.well.well,
                site.number,
                each.label,
                f"{each.x:.3f}",
                f"{each.y:.3f}",
                each.nucleus_area,
                each.cell_area,
                f"{each.dna_content:.3f}",
                int(each.mitotic),
                int(each.touches_border),
            )
            for site, objects in sites
            for each in objects
        ),
    )
