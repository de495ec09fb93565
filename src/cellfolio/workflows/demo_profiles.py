"""The second half of the demonstration: cells are measured, and become profiles.

What is measured are the images of the checkout, with the labels beside them. Only intensities are:
compiling all features would take longer than the rest of the demonstration.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellfolio.simulation import CHANNELS, Site
from cellfolio.storage.progress import Progress, ProgressEvent

if TYPE_CHECKING:
    import pandas as pd

    from cellfolio.profiles import Selection

NEGATIVE = "Metadata_control_type == 'negcon'"
PERTURBATION = "Metadata_perturbation"


@dataclass(frozen=True, slots=True)
class Measured:
    """Cells that were measured: their number, features of each, and a file for each plate."""

    cells: int
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
    checkout: Path, sites: Sequence[Site], folder: Path, progress: Progress | None = None
) -> Measured:
    """Measure every cell of the sites; write a table for each plate.

    Parameters
    ----------
    checkout : Path
        Folder with the images and labels.
    sites : sequence of Site
    folder : Path
        Where ``<plate>.parquet`` is written.
    progress : callable, optional
    """
    import pandas as pd

    from cellfolio.formats.saving import write_table
    from cellfolio.profiles import split_features

    folder.mkdir(exist_ok=True)
    tables: dict[str, list[pd.DataFrame]] = {}
    for done, site in enumerate(sites, 1):
        tables.setdefault(site.plate.barcode, []).append(_measure(checkout, site))
        if progress is not None:
            progress(ProgressEvent("measure", done, len(sites), 0, 0, done == len(sites)))
    paths, cells, features = [], 0, 0
    for plate, parts in tables.items():
        table = pd.concat(parts, ignore_index=True)
        paths.append(folder / f"{plate}.parquet")
        write_table(table, paths[-1])
        cells += len(table)
        features = len(split_features([str(name) for name in table]).features)
    return Measured(cells, features, tuple(paths))


def _measure(checkout: Path, site: Site) -> pd.DataFrame:
    """Return the cells of a site, a row each: nuclei, cells and cytoplasm have the same labels."""
    import numpy as np
    import pandas as pd
    import tifffile

    from cellfolio.measurement import MeasurementSettings, measure_objects

    planes = tifffile.imread(checkout / site.image_key)
    images = dict(zip(CHANNELS, planes, strict=True))
    nuclei, cells = (
        tifffile.imread(checkout / site.labels_key(kind)) for kind in ("nuclei", "cells")
    )
    kinds = {"Cells": cells, "Cytoplasm": np.where(nuclei > 0, 0, cells), "Nuclei": nuclei}
    settings = MeasurementSettings(groups=("Intensity",))
    parts: dict[str, Any] = {}
    for kind, labels in kinds.items():
        table = measure_objects(labels, images, settings).set_index("ObjectNumber")
        parts[kind] = table.add_prefix(f"{kind}_")
    joined: pd.DataFrame = pd.concat(list(parts.values()), axis=1, join="inner")
    told: dict[str, Any] = {
        "Metadata_Plate": site.plate.barcode,
        "Metadata_Well": site.well.well,
        "Metadata_Site": site.number,
    }
    joined.insert(0, "Metadata_ObjectNumber", joined.index)
    for place, (name, value) in enumerate(told.items()):
        joined.insert(place, name, value)
    return joined.reset_index(drop=True)


def make_profiles(checkout: Path, cells: Sequence[Path], folder: Path) -> Profiled:
    """Turn cells into profiles, and draw them.

    Parameters
    ----------
    checkout : Path
        Folder with the plate maps.
    cells : sequence of Path
        Of `Measured`.
    folder : Path
        Where profiles and pictures are written.
    """
    import pandas as pd

    from cellfolio.formats.saving import write_table
    from cellfolio.formats.single_cells.opening import open_cells
    from cellfolio.imaging.saving import save_figure
    from cellfolio.profiles import split_features
    from cellfolio.workflows.cell_profiles import aggregate_cells
    from cellfolio.workflows.embedding import draw_embedding
    from cellfolio.workflows.plates import plate_wells

    plates = [plate_wells(str(checkout), path.stem) for path in cells]
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
        folder / "profiles.png",
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
