"""Places of profiles that are computed once, and kept by what they were computed from."""

from __future__ import annotations

import importlib.util
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from cellfolio.errors import InvalidArgument
from cellfolio.formats.derived import Derived, find_derived, keep_derived
from cellfolio.formats.format import Source
from cellfolio.profiles.embedding import Method, embed
from cellfolio.workflows.points.points import Points

if TYPE_CHECKING:
    import numpy.typing as npt

Way: TypeAlias = Method
_RULES = 1
"""Raised when places change for the same input."""
_MOST = 60_000_000
"""Values of a table that is embedded at most: 0.5 GB, of which several copies are made."""


@dataclass(frozen=True, slots=True)
class KnownPlaces:
    """Where rows lie.

    Attributes
    ----------
    values : array of float32, shape (rows, 2)
    labels : tuple of str
        What to write at the axes.
    """

    values: npt.NDArray[Any]
    labels: tuple[str, str]


def ways() -> tuple[Way, ...]:
    """Return the ways to compute places that are installed."""
    return ("pca", "umap") if importlib.util.find_spec("umap") is not None else ("pca",)


def find_places(source: Source, way: Way) -> KnownPlaces | None:
    """Return places that were computed before."""
    if source.home is None:
        return None
    path = find_derived(_derived(source, way))
    return None if path is None else _read(path)


def compute_places(points: Points, source: Source, way: Way) -> KnownPlaces:
    """Compute places of all rows, and keep them.

    Raises
    ------
    InvalidArgument
        If there are too few rows or features, too many values, or UMAP is not installed.
    BrokenFile
    """
    import numpy as np

    count = points.rows * points.feature_count
    if count > _MOST:
        raise InvalidArgument(
            f"{points.name} has {count:,} values; up to {_MOST:,} are embedded here",
            hint="compute places with cellfolio.embed in a notebook, and keep them as columns",
        )
    if not points.feature_count:
        raise InvalidArgument(
            f"{points.name} has no features", hint="choose two columns of numbers as places"
        )
    found = embed(points.features(), way, features=points.feature_names)
    labels = (found.labels[0], found.labels[1])
    known = KnownPlaces(np.ascontiguousarray(found.places[:, :2], dtype="<f4"), labels)
    if source.home is not None:
        keep_derived(_derived(source, way), lambda path: _write(known, path))
    return known


def _derived(source: Source, way: Way) -> Derived:
    return Derived(source, "embeddings", f"{way}-{_RULES}.npz")


def _write(known: KnownPlaces, path: Path) -> bool:
    import numpy as np

    with path.open("wb") as file:
        np.savez(file, values=known.values, labels=np.array(known.labels))
    return True


def _read(path: Path) -> KnownPlaces | None:
    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as held:
            first, second = (str(one) for one in held["labels"])
            return KnownPlaces(np.asarray(held["values"], dtype="<f4"), (first, second))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None  # damaged since: it is made again
