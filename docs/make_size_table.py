"""Write ``docs/reference/size.md``: what the default install and each extra weigh, and why.

Run it from the checkout after a change of dependencies, in an environment that has them::

    python -m docs.make_size_table
"""

from __future__ import annotations

import platform
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "reference" / "size.md"
HEAVY = 10_000_000
"""Bytes from which on a library has a row, and needs a reason."""
LARGEST = 1_000_000_000
"""Bytes that the default install may have."""
FOR_DEVELOPERS = ("docs", "test")
REASONS: Mapping[str, str] = {
    "awscrt": "CRC64NVME, the newest digest in Quilt manifests",
    "duckdb": "SQL over the tables of a package: `query`, and tables in the portal",
    "fonttools": "text in pictures; matplotlib needs it",
    "h5py": "genes out of `.h5ad`, GCTX",
    "imagecodecs": "strips and tiles of TIFF, however they are compressed; PNG, JPEG",
    "llvmlite": "the compiler under numba",
    "matplotlib": "pictures as PNG, SVG and PDF",
    "numba": "measuring: loops over pixels, compiled on this machine",
    "numcodecs": "the codecs of OME-Zarr; zarr and anndata need it",
    "numpy": "arrays",
    "obstore": "every byte from a bucket, and every byte sent",
    "pandas": "tables",
    "pillow": "pictures; matplotlib needs it",
    "pyarrow": "Parquet: tables of cells, wells and profiles",
    "scipy": "sparse matrices, distances, filters; anndata needs it",
}
"""What each heavy library of the default install is for."""

_START = """\
# What an installation weighs

<!-- Made by docs/make_size_table.py; change the program, not this file. -->

On disk, by what pip recorded, with Python {python} on {system}; other versions and systems differ
by some tens of MB. Bytecode is not counted: pip makes it, and it takes about a fifth more.

## The default install

{count} libraries, {total:,.0f} MB. Nothing of it is loaded before it is needed.

| library | MB | for |
|---|---|---|
"""
_EXTRAS = """
## Extras

What each adds to the default install, with all that it needs in turn.

| extra | asks for | more libraries | MB |
|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Installed:
    """A library that is installed here.

    Attributes
    ----------
    name, version : str
    size : int
        Bytes of its files, without bytecode.
    """

    name: str
    version: str
    size: int


def _project() -> Mapping[str, Any]:
    project: Mapping[str, Any] = tomllib.loads(
        (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    )["project"]
    return project


def requirements(extra: str | None = None) -> list[Requirement]:
    """Return what the default install asks for, or what an extra adds to it."""
    project = _project()
    texts = project["dependencies"] if extra is None else project["optional-dependencies"][extra]
    return [Requirement(text) for text in texts]


def extras() -> tuple[str, ...]:
    """Return the extras that are for users."""
    return tuple(sorted({*_project()["optional-dependencies"]} - {*FOR_DEVELOPERS}))


def closure(wanted: Iterable[Requirement]) -> dict[str, Installed]:
    """Return all that requirements bring here, by name; what they ask for in turn included.

    Raises
    ------
    PackageNotFoundError
        If one of them is not installed here.
    """
    found: dict[str, Installed] = {}
    waiting, asked = list(_needed(wanted, ())), set[tuple[str, tuple[str, ...]]]()
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in asked:
            continue
        asked.add((name, extras))
        known = distribution(name)
        paths = (Path(str(known.locate_file(file))) for file in known.files or ())
        size = sum(path.stat().st_size for path in paths if path.suffix != ".pyc" and path.exists())
        found[name] = Installed(name, known.version, size)
        waiting += _needed(map(Requirement, known.requires or ()), extras)
    return found


def _needed(
    wanted: Iterable[Requirement], extras: tuple[str, ...]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    for one in wanted:
        marker = one.marker
        if marker is None or any(marker.evaluate({"extra": name}) for name in ("", *extras)):
            yield canonicalize_name(one.name), tuple(sorted(one.extras))


def page() -> str:
    """Return the page."""
    default = closure(requirements())
    ordered = sorted(default.values(), key=lambda one: (-one.size, one.name))
    heavy = [one for one in ordered if one.size >= HEAVY]
    rest = ordered[len(heavy) :]
    system = f"{platform.system()} {platform.machine()}"
    lines = [
        _START.format(
            python=".".join(platform.python_version_tuple()[:2]),
            system=system,
            count=len(default),
            total=_megabytes(ordered),
        ),
        *(
            f"| {one.name} {one.version} | {one.size / 1e6:.0f} | {REASONS[one.name]} |\n"
            for one in heavy
        ),
        f"| {len(rest)} others | {_megabytes(rest):.0f} | |\n",
        _EXTRAS,
        *_extras(default),
    ]
    return "".join(lines)


def _row(one: Installed) -> str:
    return f"| {one.name} {one.version} | {_megabytes([one]):.0f} | {REASONS[one.name]} |\n"


def _extras(default: Mapping[str, Installed]) -> Iterator[str]:
    for extra in extras():
        wanted = requirements(extra)
        names = ", ".join(one.name for one in wanted)
        try:
            more = [one for name, one in closure(wanted).items() if name not in default]
        except PackageNotFoundError as missing:
            yield f"| `{extra}` | {names} | | not measured: without {missing.name} |\n"
            continue
        yield f"| `{extra}` | {names} | {len(more)} | {_megabytes(more):.0f} |\n"


def _megabytes(installed: Iterable[Installed]) -> float:
    return sum(one.size for one in installed) / 1e6


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE}")
