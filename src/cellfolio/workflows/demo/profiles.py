"""The second half of the demonstration: cells are measured, and become profiles.

What is measured are the images of the checkout, as `cellfolio measure` does it: nuclei and cells
are found in them, and not taken from the labels beside. Only some features are measured: compiling
all would take longer than the rest of the demonstration.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellfolio.storage.home import Home
from cellfolio.storage.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

    from cellfolio.profiles import Selection
    from cellfolio.workflows.measuring.settings import MeasureOptions

NEGATIVE = "Metadata_control_type == 'negcon'"
PERTURBATION = "Metadata_perturbation"
GROUPS = ("Correlation", "Intensity", "Neighbors")
"""Features that are measured: those that compile fast."""
_LIGHT = 0.005
"""Of RNA in the dimmest parts of simulated cells; the background has 0.004."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Cells that were measured.

    Attributes
    ----------
    cells : int
    simulated : int
        Cells that were simulated, also those whose nuclei the border of an image cuts.
    features : int
        Of each cell.
    paths : tuple of Path
        A folder of tables for each plate.
    """

    cells: int
    simulated: int
    features: int
    paths: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Profiled:
    """Profiles that were made.

    Attributes
    ----------
    wells : int
    features, selected : int
        Features before and after selecting.
    table : Path
        The profiles.
    plate, embedding : Path
        Pictures: how many cells each well of a plate has; the wells, similar ones near each other.
    """

    wells: int
    features: int
    selected: int
    table: Path
    plate: Path
    embedding: Path


def measure_sites(
    checkout: Path, folder: Path, home: Home, progress: Progress | None = None
) -> Measured:
    """Find and measure every cell of the images.

    Parameters
    ----------
    checkout : Path
        Folder with the images, and with what is true of their cells.
    folder : Path
        Where tables are written, see `cellfolio.workflows.measuring.records`.
    home : Home
    progress : callable, optional
    """
    from cellfolio.errors import CellfolioError
    from cellfolio.formats.single_cells.opening import open_cells
    from cellfolio.profiles import split_features
    from cellfolio.workflows.measuring.running import MeasureInputs, measure_plates

    inputs = MeasureInputs(checkout / "images")
    run = measure_plates(inputs, folder, _options(), workers=1, home=home, progress=progress)
    if run.failed:
        failure = run.failed[0].failure
        raise CellfolioError(f"a site cannot be measured: {failure and failure.message}")
    return Measured(
        sum(record.cells for record in run.records),
        _count_simulated(checkout),
        len(split_features(open_cells(folder / "cells").columns).features),
        tuple(folder / "cells" / plate for plate in run.plates),
    )


def _options() -> MeasureOptions:
    """Return the settings of CPJUMP1, but for the light that its microscope gave."""
    from dataclasses import replace

    from cellfolio.measurement import MeasurementSettings, SegmentationSettings, Threshold
    from cellfolio.measurement.site import SiteSettings
    from cellfolio.workflows.measuring.settings import MeasureOptions

    segmentation = SegmentationSettings()
    cells = replace(segmentation.cells, threshold=Threshold(method="Manual", manual=_LIGHT))
    return MeasureOptions(
        SiteSettings(MeasurementSettings(groups=GROUPS)), replace(segmentation, cells=cells)
    )


def _count_simulated(checkout: Path) -> int:
    """Return the number of cells that were simulated."""
    import pandas as pd

    return sum(len(pd.read_csv(path)) for path in (checkout / "objects").glob("*.csv"))


def make_profiles(checkout: Path, cells: Sequence[Path], folder: Path) -> Profiled:
    """Turn cells into profiles, and draw them.

    Parameters
    ----------
    checkout : Path
        Folder with the plate maps.
    cells : sequence of Path
        Of `Measured`.
    folder : Path
        Where profiles and pictures are written; made if need be.
    """
    import pandas as pd

    from cellfolio.formats.saving import write_table
    from cellfolio.formats.single_cells.opening import open_cells
    from cellfolio.imaging.saving import save_figure
    from cellfolio.profiles import split_features
    from cellfolio.workflows.cell_profiles import aggregate_cells
    from cellfolio.workflows.embedding import draw_embedding
    from cellfolio.workflows.plates import plate_wells

    folder.mkdir(exist_ok=True)
    plates = [plate_wells(str(checkout), path.name) for path in cells]
    wells = pd.concat(
        [aggregate_cells(open_cells(path), count_objects=True) for path in cells],
        ignore_index=True,
    )
    told = pd.concat([plate.table for plate in plates], ignore_index=True)
    known = wells.merge(told, on=["Metadata_Plate", "Metadata_Well"], how="left")
    selection = _select(known)
    profiled = Profiled(
        len(known),
        len(split_features(list(known.columns)).features),
        len(split_features(list(selection.profiles.columns)).features),
        folder / "profiles.parquet",
        folder / "plate.png",
        folder / "embedding.png",
    )
    write_table(selection.profiles, profiled.table)
    _draw_counts(plates[0], known, profiled.plate)
    title = "Wells of all plates by their profiles"
    save_figure(draw_embedding(selection.profiles, PERTURBATION, title=title), profiled.embedding)
    return profiled


def _select(known: pd.DataFrame) -> Selection[pd.DataFrame]:
    from cellfolio.profiles import (
        CorrelationThreshold,
        DropMissing,
        RobustMad,
        feature_select,
        normalize,
    )

    normalized = normalize(known, RobustMad(0), reference=NEGATIVE, by="Metadata_Plate")
    return feature_select(normalized, [DropMissing(), CorrelationThreshold()])


def _draw_counts(plate: Any, known: pd.DataFrame, path: Path) -> None:
    from dataclasses import replace

    from cellfolio.profiles.aggregating import OBJECT_COUNT
    from cellfolio.workflows.plates import draw_wells

    counted = plate.table.merge(
        known[["Metadata_Plate", "Metadata_Well", OBJECT_COUNT]],
        on=["Metadata_Plate", "Metadata_Well"],
        how="left",
    )
    draw_wells(replace(plate, table=counted), OBJECT_COUNT, path)
