"""Recipes of profiling-recipe, in YAML: what CPJUMP1 and JUMP were processed with.

Its files are documents: the first tells the steps, each further one a batch with its plates.
Paths are those of its layout, below the folder of the project::

    ../../backend/BATCH/PLATE/PLATE.sqlite       single cells, if they are to be aggregated
    OUTPUT_DIR/BATCH/PLATE/PLATE.csv.gz          profiles of wells, otherwise
    metadata/platemaps/BATCH/barcode_platemap.csv
    metadata/platemaps/BATCH/platemap/MAP.txt
    metadata/external_metadata/FILE

References
----------
https://github.com/cytomining/profiling-recipe, its README and configuration template.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cellfolio.errors import InvalidArgument
from cellfolio.package.nearest import suggest_or_list
from cellfolio.workflows.profiling.recipe import (
    LEVELS,
    PARITIES,
    AggregateStep,
    AnnotateStep,
    Inputs,
    NormalizeStep,
    Outputs,
    Recipe,
    SelectStep,
    plan_stages,
)
from cellfolio.workflows.profiling.toml_recipe import make_normalization, make_operation
from cellfolio.workflows.toml_keys import choose

_COMMON = ("perform", "features", "image_features", "subgroups", "subgroup_col", "min_cells")
YAML_KEYS: Mapping[str, tuple[str, ...]] = {
    "": (
        "pipeline", "output_dir", "platemap_well_column", "compartments", "aggregate", "annotate",
        "normalize", "normalize_negcon", "feature_select", "feature_select_negcon",
        "quality_control", "options",
    ),
    "aggregate": (
        "perform", "plate_column", "well_column", "site_column", "method", "fields",
        "object_feature", "image_feature_categories",
    ),
    "annotate": ("perform", "well_column", "external"),
    "external": ("perform", "file", "merge_column"),
    "normalize": (*_COMMON, "method", "mad_robustize_fudge_factor"),
    "feature_select": (*_COMMON, "level", "gct", "operations"),
    "options": ("compression", "float_format", "samples"),
}  # fmt: skip
"""Every key of profiling-recipe that is understood, by section."""
_NEGCON = "Metadata_control_type == 'negcon'"
_COMPARTMENTS = ("Cells", "Cytoplasm", "Nuclei")
_FOLDER = "config_files"


def read_profiling_recipe(
    path: Path | str, *, root: Path | str | None = None, parity: str = ""
) -> Recipe:
    """Read a recipe of profiling-recipe.

    What it asks for and cellfolio does not do is told by a warning if the files are the same
    without it, and is an error otherwise.

    Parameters
    ----------
    path : path
        A configuration file in YAML.
    root : path, optional
        The folder of the project; by default that of the file, or the one above if the file is in
        ``config_files``.
    parity : {'', 'cpjump1-2021'}
        With ``'cpjump1-2021'``, what pycytominer did in 2021: `variance_threshold` wants a tenth
        of the values to be different.

    Returns
    -------
    Recipe

    Raises
    ------
    InvalidArgument
        If it cannot be read, or asks for what is not done.
    """
    path = Path(path)
    choose("parity", parity, PARITIES)
    steps, plates = _documents(path)
    if root is None:
        folder = path.resolve().parent
        root = folder.parent if folder.name == _FOLDER else folder
    try:
        return _recipe(steps, plates, Path(root).resolve(), parity)
    except InvalidArgument as error:
        raise InvalidArgument(f"{path.name}: {error.message}", hint=error.hint) from None


def _documents(path: Path) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    import yaml

    try:
        found = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise InvalidArgument(f"the recipe {path} cannot be read: {error}") from None
    documents = [one for one in found if one is not None]
    steps = [one for one in documents if isinstance(one, dict) and "pipeline" in one]
    batches = [one for one in documents if isinstance(one, dict) and "pipeline" not in one]
    if len(steps) != 1 or len(steps) + len(batches) != len(documents):
        raise InvalidArgument(
            f"{path.name} is no recipe of profiling-recipe: expected one document with `pipeline`, "
            f"and one for each batch, found {len(documents)} documents, {len(steps)} with it"
        )
    plates: list[str] = []
    for batch in batches:
        if "batch" not in batch or not isinstance(batch.get("plates"), list):
            raise InvalidArgument(f"{path.name}: a batch should have `batch` and `plates`")
        plates += [
            f"{batch['batch']}/{plate['name']}"
            for plate in batch["plates"]
            if batch.get("process", True) and plate.get("process", True)
        ]
    if not plates:
        raise InvalidArgument(f"{path.name} names no plate to process")
    return steps[0], tuple(plates)


def _section(steps: Mapping[str, Any], name: str, known: str) -> Mapping[str, Any] | None:
    """Return a section that is to be performed, its keys checked."""
    found = steps.get(name)
    if not found:
        return None
    if not isinstance(found, dict):
        raise InvalidArgument(f"{name} should be a section with keys, found {found!r}")
    _check(found, known, name)
    return found if found.get("perform", True) else None


def _check(found: Mapping[str, Any], known: str, where: str) -> None:
    for key in found:
        if key not in YAML_KEYS[known]:
            raise InvalidArgument(
                f"{where or 'the recipe'} has no key {key!r}",
                hint=suggest_or_list(str(key), YAML_KEYS[known]),
            )


def _recipe(steps: Mapping[str, Any], plates: tuple[str, ...], root: Path, parity: str) -> Recipe:
    _check(steps, "", "")
    output_dir = str(steps.get("output_dir", "profiles"))
    aggregate = _section(steps, "aggregate", "aggregate")
    normalized = _both(steps, "normalize", "normalize")
    selected = _both(steps, "feature_select", "feature_select")
    if aggregate is None:
        pattern = f"{output_dir}/{{batch}}/{{plate}}/{{plate}}.csv.gz"
    else:
        pattern = "../../backend/{batch}/{plate}/{plate}.sqlite"
    features = _features(steps, [*normalized.values(), *selected.values()])
    if steps.get("quality_control"):
        _left_out("quality_control", "each plate has a page about its quality")
    stages = plan_stages(
        None if aggregate is None else _aggregate(aggregate),
        _annotate(steps),
        tuple(_normalize(name, part) for name, part in normalized.items()),
        tuple(_select(name, part, parity) for name, part in selected.items()),
        (),
    )
    inputs = Inputs(pattern, aggregate is not None, plates, features)
    return Recipe(inputs, root, stages, _outputs(steps), parity)


def _both(steps: Mapping[str, Any], name: str, known: str) -> dict[str, Mapping[str, Any]]:
    """Return the section for all wells, and the one for negative controls."""
    found = {
        suffix: _section(steps, f"{name}_{suffix}" if suffix else name, known)
        for suffix in ("", "negcon")
    }
    parts = {suffix: part for suffix, part in found.items() if part is not None}
    for suffix, part in parts.items():
        where = f"{name}_{suffix}".strip("_")
        if part.get("subgroups") or part.get("min_cells", 1) not in (0, 1):
            raise InvalidArgument(f"{where} asks for subgroups or min_cells, which are not done")
        if part.get("features", "infer") != "infer":
            raise InvalidArgument(f"{where}: features should be 'infer'")
    return parts


def _features(steps: Mapping[str, Any], parts: list[Mapping[str, Any]]) -> tuple[str, ...]:
    compartments = steps.get("compartments", ["cells", "cytoplasm", "nuclei"])
    if isinstance(compartments, str):
        compartments = compartments.split(",")
    names = tuple(str(one).strip().capitalize() for one in compartments)
    image = {bool(part.get("image_features", False)) for part in parts}
    if len(image) > 1:
        raise InvalidArgument("image_features should be the same in all steps")
    if True in image:
        return (*names, "Image_")
    return () if set(names) == set(_COMPARTMENTS) else names


def _aggregate(part: Mapping[str, Any]) -> AggregateStep:
    if part.get("fields", "all") != "all":
        raise InvalidArgument("aggregate takes some fields only, which is not done")
    if part.get("image_feature_categories"):
        _left_out("aggregate: image_feature_categories", "features of whole images are not added")
    by = [part.get("plate_column", "Metadata_Plate"), part.get("well_column", "Metadata_Well")]
    by += [part["site_column"]] if "site_column" in part else []
    method = part.get("method", "median")
    choose("method of aggregate", method, ("median", "mean"))
    return AggregateStep(method, tuple(one.removeprefix("Image_") for one in by))


def _annotate(steps: Mapping[str, Any]) -> AnnotateStep | None:
    part = _section(steps, "annotate", "annotate")
    if part is None:
        return None
    external = _section(part, "external", "external") or {}
    if external and not (external.get("file") and external.get("merge_column")):
        raise InvalidArgument("external of annotate should have `file` and `merge_column`")
    name = external.get("file")
    return AnnotateStep(
        "metadata/platemaps/{batch}/platemap/{plate_map}.txt",
        "metadata/platemaps/{batch}/barcode_platemap.csv",
        str(steps.get("platemap_well_column", "Metadata_well_position")),
        str(part.get("well_column", "Metadata_Well")),
        f"metadata/external_metadata/{name}" if name else "",
        str(external.get("merge_column", "")),
    )


def _normalize(suffix: str, part: Mapping[str, Any]) -> NormalizeStep:
    method = part.get("method", "mad_robustize")
    knobs = {}
    if method == "mad_robustize" and part.get("mad_robustize_fudge_factor") is not None:
        knobs["epsilon"] = float(part["mad_robustize_fudge_factor"])
    return NormalizeStep(make_normalization(method, knobs), suffix, _NEGCON if suffix else "")


def _select(suffix: str, part: Mapping[str, Any], parity: str) -> SelectStep:
    level = part.get("level", "batch")
    choose("level of feature_select", level, LEVELS)
    if part.get("gct"):
        _left_out("feature_select: gct", "no .gct is written; the tables hold the same")
    names = part.get("operations") or []
    known: dict[str, tuple[str, dict[str, Any]]] = {
        # At the time of these recipes, this was the frequency test.
        "variance_threshold": ("frequency_threshold", {"unique": 0.1} if parity else {}),
        "correlation_threshold": ("correlation_threshold", {}),
        "drop_na_columns": ("drop_missing", {}),
        "blocklist": ("blocklist", {}),
        "drop_outliers": ("drop_outliers", {"maximum": 15.0} if parity else {}),
    }
    for name in names:
        choose("an operation of feature_select", name, tuple(known))
    if not names:
        raise InvalidArgument("feature_select has no operations")
    operations = tuple(make_operation(*known[name]) for name in names)
    return SelectStep(operations, level, (f"normalized_{suffix}".strip("_"),))


def _outputs(steps: Mapping[str, Any]) -> Outputs:
    options = steps.get("options") or {}
    _check(options, "options", "options")
    if options.get("compression", "gzip") != "gzip" or options.get("samples", "all") != "all":
        raise InvalidArgument("options: compression should be gzip, and samples all")
    return Outputs(("csv.gz",), str(options.get("float_format") or ""))


def _left_out(what: str, why: str) -> None:
    warnings.warn(f"{what} is left out: {why}", stacklevel=2)
