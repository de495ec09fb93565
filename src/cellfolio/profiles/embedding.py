"""Profiles as points: similar ones lie near each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

import numpy as np

from cellfolio.errors import InvalidArgument
from cellfolio.extras import importing
from cellfolio.profiles.statistics import Array, Mask, moments
from cellfolio.profiles.tables import open_table
from cellfolio.profiles.threads import one_thread

Method: TypeAlias = Literal["pca", "umap"]
_BEFORE_UMAP = 50
"""Principal components that UMAP is given at most."""
_NEIGHBOURS = 15


@dataclass(frozen=True)
class Embedding:
    """Where profiles lie.

    Attributes
    ----------
    method : {'pca', 'umap'}
    places : array of float, shape (rows, components)
    explained : tuple of float
        Share of the variance that each component has; empty for UMAP.
    features : tuple of str
        Those that were used.
    left_out : tuple of str
        The others: with missing or infinite values, or the same everywhere.
    """

    method: Method
    places: Array = field(repr=False)
    explained: tuple[float, ...]
    features: tuple[str, ...] = field(repr=False)
    left_out: tuple[str, ...] = field(repr=False)

    @property
    def labels(self) -> tuple[str, ...]:
        """What to write at the axes."""
        if not self.explained:
            return tuple(f"UMAP {at + 1}" for at in range(self.places.shape[1]))
        return tuple(f"PC {at + 1} ({share:.0%})" for at, share in enumerate(self.explained))


def embed(
    profiles: object,
    method: Method = "pca",
    *,
    components: int = 2,
    features: Sequence[str] | None = None,
) -> Embedding:
    """Give each profile a place, near those that are similar.

    Every feature counts the same: it is centred and divided by its standard deviation. The sign of
    a principal component, which is arbitrary, is such that its largest loading is positive. UMAP
    looks at up to 50 principal components; same profiles, same places.

    Parameters
    ----------
    profiles : pandas.DataFrame, polars.DataFrame or anndata.AnnData
        Normalized: of several plates that were not, the first components tell the plates.
    method : {'pca', 'umap'}
        UMAP needs the package ``umap-learn``.
    components : int
    features : sequence of str, optional
        By default those that `split_features` finds.

    Returns
    -------
    Embedding

    Raises
    ------
    InvalidArgument
        If there are too few rows or usable features.
    LibraryMissing
        If UMAP is not installed.

    References
    ----------
    McInnes, Healy, Melville 2018, https://arxiv.org/abs/1802.03426, for UMAP.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"Cells_A": [0.0, 1, 2, 9], "Cells_B": [0.0, 2, 4, 18]})
    >>> found = embed(table)
    >>> found.places[:, 0].round(2).tolist(), found.labels
    ([-1.2, -0.8, -0.4, 2.4], ('PC 1 (100%)', 'PC 2 (0%)'))
    """
    if method not in get_args(Method):
        raise InvalidArgument(f"method should be one of {get_args(Method)}, found {method!r}")
    table = open_table(profiles, features)
    scaled, used = _scaled(table.values())
    names = np.array(table.features, dtype=object)
    told = tuple(names[used].tolist()), tuple(names[~used].tolist())
    most = min(scaled.shape)
    if not 1 <= components <= most or scaled.shape[0] < 3:
        raise InvalidArgument(
            f"{components} components need as many profiles and usable features, and at least 3 "
            f"profiles; found {scaled.shape[0]} and {scaled.shape[1]}",
            hint="fill missing values, or drop features that have them",
        )
    if method == "umap":
        places, _ = _principal(scaled, min(most, _BEFORE_UMAP))
        return Embedding("umap", _umap(places, components), (), *told)
    places, explained = _principal(scaled, components)
    return Embedding("pca", places, explained, *told)


def _scaled(values: Array) -> tuple[Array, Mask]:
    """Return profiles by usable features, each of mean 0 and variance 1; and which are usable."""
    used = np.asarray(np.isfinite(values).all(axis=1), dtype=bool)
    with np.errstate(over="ignore", invalid="ignore"):  # values near the largest there is
        mean, variance, constant = moments(np.where(used[:, None], values, 0.0))
    used &= ~constant & np.isfinite(variance) & (variance > 0)
    scaled = (values[used] - mean[used, None]) / np.sqrt(variance[used, None])
    return scaled.T, used


@one_thread
def _principal(scaled: Array, count: int) -> tuple[Array, tuple[float, ...]]:
    """Return the first principal components, and the share of the variance of each.

    They are eigenvectors of the smaller of the two products of the profiles with themselves: a
    tenth of the work of decomposing the profiles, and as exact for the first components.
    """
    wide = scaled.shape[0] < scaled.shape[1]
    values, vectors = np.linalg.eigh(scaled @ scaled.T if wide else scaled.T @ scaled)
    values, first = np.maximum(values[::-1], 0), vectors[:, ::-1][:, :count]
    loadings = scaled.T @ first if wide else first
    places = first * np.sqrt(values[:count]) if wide else scaled @ first
    strongest = np.take_along_axis(loadings, np.abs(loadings).argmax(axis=0)[None, :], axis=0)[0]
    return places * np.where(strongest < 0, -1.0, 1.0), tuple(
        (values[:count] / values.sum()).tolist()
    )


def _umap(places: Array, components: int) -> Array:
    with importing("umap-learn", extra="umap", what="UMAP", instead="take pca"):
        from umap import UMAP
    model = UMAP(
        n_components=components,
        n_neighbors=min(_NEIGHBOURS, len(places) - 1),
        init="pca",
        random_state=0,
        n_jobs=1,
    )
    return np.asarray(model.fit_transform(places), dtype=np.float64)
