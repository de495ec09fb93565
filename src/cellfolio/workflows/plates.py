"""The wells of a plate with what is known of them, by barcode."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from cellfolio.errors import InvalidArgument, NotFound
from cellfolio.metadata.barcodes import barcodes_of, find_plate_map, plate_facts, unknown_plate
from cellfolio.metadata.columns import BATCH, MAP_NAME, PLATE, PREFIX, WELL, is_missing, prefixed
from cellfolio.metadata.perturbations import (
    JoinReport,
    choose_perturbations,
    join_perturbations,
)
from cellfolio.metadata.plate_maps import tidy_plate_map
from cellfolio.package.nearest import suggest
from cellfolio.package.package import Package
from cellfolio.registries.plates import PlateFormat, Well, parse_well, smallest_plate
from cellfolio.storage.home import Home
from cellfolio.workflows.plate_files import PlateFiles, find_files

if TYPE_CHECKING:
    import pandas as pd

CONTROL, KIND = PREFIX + "control_type", PREFIX + "pert_type"


@dataclass(frozen=True)
class PlateWells:
    """The wells of a plate, joined.

    Attributes
    ----------
    barcode, batch, plate_map : str
        The batch is empty where nothing tells one.
    perturbations : str or None
        The file that tells of the perturbations.
    table : pandas.DataFrame
        A row for each well: ``Metadata_Plate``, ``Metadata_Well``, ``Metadata_Batch``,
        ``Metadata_plate_map_name``, then the columns of the plate map, of the perturbations and
        of the experiment.
    report : JoinReport
    """

    barcode: str
    batch: str
    plate_map: str
    perturbations: str | None
    table: pd.DataFrame
    report: JoinReport

    @property
    def shape(self) -> PlateFormat:
        """The smallest of the usual plates that has all the wells."""
        return smallest_plate(map(parse_well, self.table[WELL]))

    @property
    def controls(self) -> dict[str, int] | None:
        """Number of wells by control type, the most common first; None if nothing tells it.

        Wells of which nothing is known are counted as ``none``.
        """
        if CONTROL not in self.table:
            return None
        kinds = Counter(str(one or "none") for one in values_by_well(self.table, CONTROL).values())
        return dict(sorted(kinds.items(), key=lambda pair: (-pair[1], pair[0])))

    @property
    def constant(self) -> dict[str, Any]:
        """What is the same for all wells, by column; plate, batch and plate map aside."""
        others = (one for one in self.table if one not in (PLATE, WELL, BATCH, MAP_NAME))
        return {
            str(name): self.table[name].iloc[0]
            for name in others
            if len(self.table) > 1 and self.table[name].nunique(dropna=False) == 1
        }


def wells(
    source: Package | Path | str,
    barcode: str,
    *,
    batch: str | None = None,
    perturbations: str | None = None,
    well_column: str | None = None,
    home: Home | None = None,
) -> pd.DataFrame:
    r"""Return a table of a plate's wells: perturbation, controls, and what else is known.

    Read are a table of barcodes, the plate map that it names, the metadata of perturbations and
    that of the experiment, as CPJUMP1 keeps them (see the guide to plates). What does not join is
    told as a warning.

    Parameters
    ----------
    source : Package, Path or str
        A folder, a package, ``PACKAGE[/PATH]``, or a data set of the Cell Painting Gallery. A file
        is taken as the plate map itself.
    barcode : str
    batch : str, optional
        Where several have the plate.
    perturbations : str, optional
        File of `source` that tells of the perturbations; by default the one of those in
        ``external_metadata`` that tells most.
    well_column : str, optional
        Of the plate map, where it is not clear.
    home : Home, optional

    Returns
    -------
    pandas.DataFrame
        A row for each well of the plate map; the names of columns begin with ``Metadata_``.

    Raises
    ------
    NotFound
        If no table has the barcode; the hint names the nearest.
    InvalidArgument
        If several batches have it, or the plate map has a well twice or none.
    BrokenFile, TransferIncomplete

    Examples
    --------
    >>> import tempfile, cellfolio
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "drugs.csv")
    ...     _ = path.write_text("well,drug,dose\na1,DMSO,0\na2,taxol,0.1\n")
    ...     cellfolio.wells(path, "P7")["Metadata_drug"].tolist()
    ['DMSO', 'taxol']
    """
    found = plate_wells(
        source,
        barcode,
        batch=batch,
        perturbations=perturbations,
        well_column=well_column,
        home=home,
    )
    for problem in found.report.problems:
        warnings.warn(f"{barcode}: {problem}", stacklevel=2)
    return found.table


def plate_wells(
    source: Package | Path | str,
    barcode: str,
    *,
    batch: str | None = None,
    perturbations: str | None = None,
    well_column: str | None = None,
    home: Home | None = None,
) -> PlateWells:
    """Join the wells of a plate; return them with a report (see `wells`)."""
    files = find_files(source, home or Home())
    only = files.places.file
    if only:
        named, key, name = batch or "", only, PurePosixPath(only).name.partition(".")[0]
    else:
        named, table_key, name = _find_plate(files, barcode, batch)
        key = files.plate_map(table_key, name)
    own = tidy_plate_map(files.read(key), well_column=well_column)
    told: Mapping[str, pd.DataFrame] = {}
    if perturbations is not None:
        told = {perturbations: files.read(files.find(perturbations))}
        chosen: str | None = perturbations
    else:
        told = {one: files.read(one) for one in files.external(key)}
        chosen = choose_perturbations(own, told, name)
    joined, report = own, JoinReport(len(own))
    if chosen is not None:
        joined, report = join_perturbations(own, told[chosen])
    facts = plate_facts(map(files.read, files.experiment(key)), barcode, named)
    table = _with_plate(joined, {PLATE: barcode, BATCH: named, MAP_NAME: name}, facts)
    return PlateWells(barcode, named, name, chosen, table, report)


def _find_plate(files: PlateFiles, barcode: str, batch: str | None) -> tuple[str, str, str]:
    """Return the batch of a plate, the key of its table of barcodes, and the plate map's name."""
    keys = files.barcode_tables()
    if not keys:
        raise NotFound(
            f"{files.title} has no barcode_platemap.csv, which names the plate map of each plate",
            hint="name the folder with the metadata, or a plate map itself",
        )
    if batch is not None and batch not in keys:
        raise NotFound(f"there is no batch {batch!r}", hint=f"the batches are {', '.join(keys)}")
    asked = keys if batch is None else {batch: keys[batch]}
    tables = {name: files.read(key) for name, key in asked.items()}
    found = {name: find_plate_map(table, barcode) for name, table in tables.items()}
    having = [(name, keys[name], one) for name, one in found.items() if one is not None]
    if not having:
        raise unknown_plate(
            barcode, (one for table in tables.values() for one in barcodes_of(table))
        )
    if len(having) > 1:
        raise InvalidArgument(
            f"{len(having)} batches have the plate {barcode}",
            hint=f"name one of them as the batch: {', '.join(name for name, *_ in having)}",
        )
    return having[0]


def _with_plate(
    table: pd.DataFrame, first: Mapping[str, str], last: Mapping[str, Any]
) -> pd.DataFrame:
    """Return a table of wells with what is the same for all of them."""
    import pandas as pd

    count = len(table)
    known = {name: value for name, value in first.items() if value and name not in table}
    order = [PLATE, table.columns[0], BATCH, MAP_NAME]
    before = pd.DataFrame({name: [value] * count for name, value in known.items()})
    after = pd.DataFrame({name: [one] * count for name, one in last.items() if name not in table})
    joined = pd.concat([before, table.reset_index(drop=True), after], axis=1)
    leading = [name for name in order if name in joined]
    return joined[[*leading, *(one for one in joined if one not in leading)]]


# Columns


def column_of(table: pd.DataFrame, column: str) -> str:
    """Return the name of a column that a user may call without ``Metadata_``.

    Raises
    ------
    InvalidArgument
    """
    for name in (column, prefixed(column)):
        if name in table:
            return name
    names = [str(one).removeprefix(PREFIX) for one in table]
    raise InvalidArgument(
        f"the wells have no column {column!r}; they have {', '.join(names)}",
        hint=suggest(column, names),
    )


def values_by_well(table: pd.DataFrame, column: str) -> dict[Well, Any]:
    """Return a column by well; what is missing is None.

    Of control types, a well that is no control has its ``pert_type``, such as ``trt``: what is
    known of it differs from what is not known at all.
    """
    values = table[column]
    if column == CONTROL and KIND in table:
        values = values.where(values.notna(), table[KIND])
    pairs = zip(map(parse_well, table[WELL]), values.tolist(), strict=True)
    return {well: None if is_missing(value) else value for well, value in pairs}


def draw_wells(found: PlateWells, column: str, path: Path) -> None:
    """Draw a column of a plate's wells, and save it as PNG, SVG or PDF by the path's suffix."""
    from cellfolio.imaging.plate_map import draw_plate
    from cellfolio.imaging.saving import save_figure

    title = " · ".join(filter(None, (found.barcode, found.plate_map, found.batch)))
    name = column_of(found.table, column)
    figure = draw_plate(
        values_by_well(found.table, name),
        found.shape,
        title=title,
        label=name.removeprefix(PREFIX),
    )
    save_figure(figure, path)
