"""What was measured, as tables: a row for each cell of a site, a row for each site of a plate."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellfolio.profiles.linking import link_compartments
from cellfolio.storage.disk import writing
from cellfolio.workflows.measuring.settings import Decimals
from cellfolio.workflows.measuring.sites import SiteImages
from cellfolio.workflows.single_cells import KEY

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from cellfolio.measurement.site import SiteMeasurements
    from cellfolio.workflows.measuring.records import SiteRecord

_PLATE, _WELL, _SITE = "Metadata_Plate", "Metadata_Well", "Metadata_Site"
_IMAGE = "Metadata_ImageNumber"
PROBLEM = "Metadata_Problem"
"""Why a site has no cells, in the table of images."""


def cell_table(found: SiteMeasurements, site: SiteImages, decimals: Decimals) -> pa.Table:
    """Return a row for each cell, with its nucleus and cytoplasm, named as CytoTable does.

    Returns
    -------
    pyarrow.Table
        ``Metadata_ImageNumber``, ``…Plate``, ``…Well``, ``…Site``, ``…ObjectNumber``, numbers of
        objects and their parents, then features by compartment: ``Cells_AreaShape_Area``.
    """
    import pyarrow as pa

    linked = link_compartments({kind: _arrow(one) for kind, one in found.tables.items()}).table
    told = {
        _IMAGE: pa.array([site.image_number] * len(linked), pa.int64()),
        _PLATE: pa.array([site.plate] * len(linked), pa.string()),
        _WELL: pa.array([str(site.well)] * len(linked), pa.string()),
        _SITE: pa.array([site.number] * len(linked), pa.int64()),
    }
    names = [name for name in linked.column_names if name.startswith("Metadata_")]
    features = [name for name in linked.column_names if not name.startswith("Metadata_")]
    measured = linked.select(features).columns
    if decimals == "float32":
        measured = [column.cast(pa.float32()) for column in measured]
    columns = [*told.values(), *linked.select(names).columns, *measured]
    return pa.table(columns, names=[*told, *names, *features])


def _arrow(table: pd.DataFrame) -> pa.Table:
    """Return the table of one kind of objects; `Table.from_pandas` takes ten times as long."""
    import numpy as np
    import pyarrow as pa

    whole = [at for at, kind in enumerate(table.dtypes) if kind.kind in "iu"]
    measured = np.asfortranarray(table.to_numpy(np.float64))
    columns = [pa.array(measured[:, at]) for at in range(table.shape[1])]
    for at in whole:
        columns[at] = pa.array(table.iloc[:, at].to_numpy(np.int64))
    return pa.table(columns, names=[str(name) for name in table.columns])


def write_cells(table: pa.Table, path: Path, told: Mapping[str, Any]) -> None:
    """Write the cells of a site, whole or not at all, with what they were made of.

    Parameters
    ----------
    table : pyarrow.Table
    path : Path
    told : mapping
        For the metadata of the file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    measured = {pa.float64(), pa.float32()}
    others = [field.name for field in table.schema if field.type not in measured]
    with writing(path) as unfinished:
        pq.write_table(
            table.replace_schema_metadata({KEY: json.dumps(told, sort_keys=True).encode()}),
            unfinished,
            use_dictionary=others,
            write_statistics=others,
            compression="snappy",
        )


def image_table(records: Sequence[SiteRecord]) -> pd.DataFrame:
    """Return a row for each site of a plate, also for those that failed.

    Returns
    -------
    pandas.DataFrame
        ``Metadata_ImageNumber``, ``…Plate``, ``…Well``, ``…Site``, ``…Problem`` (why it failed; or
        missing), ``FileName_Orig…`` of each channel, then what was measured of the site.
    """
    import pandas as pd

    ordered = sorted(records, key=lambda one: one.image_number)
    keys = pd.DataFrame(
        {
            _IMAGE: [one.image_number for one in ordered],
            _PLATE: [one.plate for one in ordered],
            _WELL: [one.well for one in ordered],
            _SITE: [one.site for one in ordered],
            PROBLEM: [None if one.failure is None else one.failure.message for one in ordered],
        }
    )
    files = pd.DataFrame(
        [
            {f"FileName_Orig{name}": _file(key) for name, key in one.facts["images"].items()}
            for one in ordered
        ]
    )
    measured = pd.DataFrame([dict(one.image) for one in ordered], index=keys.index)
    parts = [keys, files[sorted(map(str, files))], measured[sorted(map(str, measured))]]
    return pd.concat(parts, axis=1)


def _file(key: str) -> str:
    return key.replace("\\", "/").rpartition("/")[2]


def write_images(table: pd.DataFrame, path: Path) -> None:
    """Write the table of a plate's images, whole or not at all."""
    from cellfolio.formats.saving import write_table

    path.parent.mkdir(parents=True, exist_ok=True)
    write_table(table, path)
