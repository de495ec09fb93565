"""The benchmarks there are, and their configurations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

from cellfolio.errors import InvalidArgument
from cellfolio.package.nearest import suggest_or_list
from cellfolio.workflows.benchmarks.benchmark import Benchmark
from cellfolio.workflows.toml_keys import TEXT, check_keys, read_toml

BENCHMARKS: Mapping[str, tuple[str, str]] = {
    "cpjump1-replicating": (
        "replicating",
        "Do perturbations look alike each time they are done? Percent replicating and fraction "
        "retrieved, by modality, cell line and time.",
    ),
    "cpjump1-matching": (
        "matching",
        "Do compounds look like the genes they act on? Percent matching, across modalities and "
        "within each.",
    ),
    "rosetta-replicates": (
        "rosetta_replicates",
        "Correlations of replicates in morphology and expression, and what is reproducible in "
        "both.",
    ),
    "rosetta-expression": (
        "rosetta_expression",
        "Expression predicted from morphology, and morphology from expression, each target by "
        "itself.",
    ),
    "rosetta-mechanism": (
        "rosetta_mechanism",
        "Mechanisms of action told from morphology, from expression, and from both.",
    ),
    "bbbc021-mechanism": (
        "bbbc021",
        "Mechanisms of the nearest neighbour, not of the same compound, nor of the same batch.",
    ),
}
"""Name → module of this package, and what it asks."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """A benchmark, and what it is run with.

    Attributes
    ----------
    benchmark : Benchmark
    document : mapping
        Keys were checked.
    root : Path
        Paths are below it.
    name : str
        Of its file.
    """

    benchmark: Benchmark
    document: Mapping[str, Any]
    root: Path
    name: str


def find_benchmark(name: str) -> Benchmark:
    """Return a benchmark by its name.

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> find_benchmark("bbbc021-mechanism").title
    'Nearest mechanisms'
    """
    if name not in BENCHMARKS:
        raise InvalidArgument(
            f"there is no benchmark {name!r}", hint=suggest_or_list(name, BENCHMARKS)
        )
    module = import_module(f"{__package__}.{BENCHMARKS[name][0]}")
    found: Benchmark = module.BENCHMARK
    return found


def example(name: str) -> str:
    """Return a configuration of a benchmark to be edited.

    Raises
    ------
    InvalidArgument
    """
    find_benchmark(name)
    return files(__package__).joinpath("examples", f"{name}.toml").read_text(encoding="utf-8")


def read_configuration(path: Path) -> Configuration:
    """Read a configuration.

    Parameters
    ----------
    path : Path
        Paths in it are below its folder.

    Raises
    ------
    InvalidArgument
        If it cannot be read, or a key or value is impossible.
    """
    document = read_toml(path, "configuration")
    try:
        return parse_configuration(document, path.resolve().parent, path.name)
    except InvalidArgument as error:
        raise InvalidArgument(f"{path.name}: {error.message}", hint=error.hint) from None


def parse_configuration(document: Mapping[str, Any], root: Path, name: str = "") -> Configuration:
    """Make a configuration of what a TOML document says.

    Raises
    ------
    InvalidArgument
    """
    if not isinstance(document.get("benchmark"), str):
        raise InvalidArgument(
            'the configuration should name its benchmark, such as benchmark = "bbbc021-mechanism"',
            hint=f"there are {', '.join(BENCHMARKS)}",
        )
    benchmark = find_benchmark(document["benchmark"])
    top = {"benchmark": TEXT, **benchmark.keys[""]}
    check_keys(document, top, "the configuration")
    for table, known in benchmark.keys.items():
        parts = document.get(table, []) if table else []
        for part in parts if isinstance(parts, list) else [parts]:
            check_keys(part, known, f"[{table}]")
    return Configuration(benchmark, document, root, name)
