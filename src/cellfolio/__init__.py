"""cellfolio: open cell data in one path, from finding to sharing.

Names are loaded when first used, so that ``import cellfolio`` stays light.

Examples
--------
>>> import cellfolio
>>> cellfolio.list_packages()
[]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cellfolio.cli.progress import show_progress
    from cellfolio.errors import CellfolioError
    from cellfolio.formats.single_cells.opening import open_cells
    from cellfolio.imaging.options import ViewOptions
    from cellfolio.metadata.graph import RecordGraph
    from cellfolio.metadata.records import Record, Records
    from cellfolio.package.diff import Diff
    from cellfolio.package.digests import Digest
    from cellfolio.package.entry import Entry
    from cellfolio.package.folder import Folder
    from cellfolio.package.package import Package
    from cellfolio.storage.home import Home
    from cellfolio.storage.progress import ProgressEvent
    from cellfolio.web.serving import show
    from cellfolio.workflows.atlas import atlas_cells
    from cellfolio.workflows.atlas_pictures import draw_cells
    from cellfolio.workflows.cardio import cardio_cells
    from cellfolio.workflows.cell_profiles import aggregate_cells
    from cellfolio.workflows.converting import convert
    from cellfolio.workflows.embedding import draw_embedding
    from cellfolio.workflows.engines.dask import DaskEngine
    from cellfolio.workflows.experiment.configuration import read_experiment
    from cellfolio.workflows.experiment.running import plan_experiment, run_experiment
    from cellfolio.workflows.expression import genes
    from cellfolio.workflows.featurizing.making import FeaturizeOptions
    from cellfolio.workflows.featurizing.networks import NetworkChoice, load_network
    from cellfolio.workflows.featurizing.running import featurize_plates
    from cellfolio.workflows.getting import GetOptions
    from cellfolio.workflows.loading import load, open_image
    from cellfolio.workflows.measuring.running import (
        MeasureInputs,
        measure_plates,
        plan_measurement,
    )
    from cellfolio.workflows.measuring.settings import MeasureOptions
    from cellfolio.workflows.measuring.shards import Shard
    from cellfolio.workflows.mosaics import image_files, stitch
    from cellfolio.workflows.plates import wells
    from cellfolio.workflows.profiling.running import plan_recipe, run_recipe
    from cellfolio.workflows.profiling.toml_recipe import read_recipe
    from cellfolio.workflows.profiling.yaml_recipe import read_profiling_recipe
    from cellfolio.workflows.publishing import Label, save
    from cellfolio.workflows.quality import quality
    from cellfolio.workflows.querying import query, tables
    from cellfolio.workflows.records import record_image, records, schema
    from cellfolio.workflows.rosetta import rosetta
    from cellfolio.workflows.single_cells import single_cells
    from cellfolio.workflows.verbs import (
        build,
        catalogue,
        diff,
        du,
        fetch,
        gc,
        get,
        list_packages,
        log,
        open,  # noqa: A004 - the verb's name; used as `cellfolio.open`
        push,
        status,
        verify,
    )
    from cellfolio.workflows.viewing import view

_HOMES = {
    "cellfolio.cli.progress": ("show_progress",),
    "cellfolio.errors": ("CellfolioError",),
    "cellfolio.formats.single_cells.opening": ("open_cells",),
    "cellfolio.imaging.options": ("ViewOptions",),
    "cellfolio.metadata.graph": ("RecordGraph",),
    "cellfolio.metadata.records": ("Record", "Records"),
    "cellfolio.package.diff": ("Diff",),
    "cellfolio.package.digests": ("Digest",),
    "cellfolio.package.entry": ("Entry",),
    "cellfolio.package.folder": ("Folder",),
    "cellfolio.package.package": ("Package",),
    "cellfolio.storage.home": ("Home",),
    "cellfolio.storage.progress": ("ProgressEvent",),
    "cellfolio.web.serving": ("show",),
    "cellfolio.workflows.atlas": ("atlas_cells",),
    "cellfolio.workflows.atlas_pictures": ("draw_cells",),
    "cellfolio.workflows.cardio": ("cardio_cells",),
    "cellfolio.workflows.cell_profiles": ("aggregate_cells",),
    "cellfolio.workflows.converting": ("convert",),
    "cellfolio.workflows.engines.dask": ("DaskEngine",),
    "cellfolio.workflows.experiment.configuration": ("read_experiment",),
    "cellfolio.workflows.experiment.running": ("plan_experiment", "run_experiment"),
    "cellfolio.workflows.expression": ("genes",),
    "cellfolio.workflows.embedding": ("draw_embedding",),
    "cellfolio.workflows.featurizing.making": ("FeaturizeOptions",),
    "cellfolio.workflows.featurizing.networks": ("NetworkChoice", "load_network"),
    "cellfolio.workflows.featurizing.running": ("featurize_plates",),
    "cellfolio.workflows.getting": ("GetOptions",),
    "cellfolio.workflows.loading": ("load", "open_image"),
    "cellfolio.workflows.measuring.running": (
        "MeasureInputs",
        "measure_plates",
        "plan_measurement",
    ),
    "cellfolio.workflows.measuring.settings": ("MeasureOptions",),
    "cellfolio.workflows.measuring.shards": ("Shard",),
    "cellfolio.workflows.mosaics": ("image_files", "stitch"),
    "cellfolio.workflows.plates": ("wells",),
    "cellfolio.workflows.profiling.running": ("plan_recipe", "run_recipe"),
    "cellfolio.workflows.profiling.toml_recipe": ("read_recipe",),
    "cellfolio.workflows.profiling.yaml_recipe": ("read_profiling_recipe",),
    "cellfolio.workflows.publishing": ("Label", "save"),
    "cellfolio.workflows.quality": ("quality",),
    "cellfolio.workflows.querying": ("query", "tables"),
    "cellfolio.workflows.records": ("record_image", "records", "schema"),
    "cellfolio.workflows.rosetta": ("rosetta",),
    "cellfolio.workflows.single_cells": ("single_cells",),
    "cellfolio.workflows.verbs": (
        "build",
        "catalogue",
        "diff",
        "du",
        "fetch",
        "gc",
        "get",
        "list_packages",
        "log",
        "open",
        "push",
        "status",
        "verify",
    ),
    "cellfolio.workflows.viewing": ("view",),
}
_MODULE_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "CellfolioError",
    "DaskEngine",
    "Diff",
    "Digest",
    "Entry",
    "FeaturizeOptions",
    "Folder",
    "GetOptions",
    "Home",
    "Label",
    "MeasureInputs",
    "MeasureOptions",
    "NetworkChoice",
    "Package",
    "ProgressEvent",
    "Record",
    "RecordGraph",
    "Records",
    "Shard",
    "ViewOptions",
    "aggregate_cells",
    "atlas_cells",
    "build",
    "cardio_cells",
    "catalogue",
    "convert",
    "diff",
    "draw_cells",
    "draw_embedding",
    "du",
    "featurize_plates",
    "fetch",
    "gc",
    "genes",
    "get",
    "image_files",
    "list_packages",
    "load",
    "load_network",
    "log",
    "measure_plates",
    "open",
    "open_cells",
    "open_image",
    "plan_experiment",
    "plan_measurement",
    "plan_recipe",
    "push",
    "quality",
    "query",
    "read_experiment",
    "read_profiling_recipe",
    "read_recipe",
    "record_image",
    "records",
    "rosetta",
    "run_experiment",
    "run_recipe",
    "save",
    "schema",
    "show",
    "show_progress",
    "single_cells",
    "status",
    "stitch",
    "tables",
    "verify",
    "view",
    "wells",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("cellfolio")
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'cellfolio' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
