"""The cells of an ``.h5ad`` file as points: columns are ``obs:…``, ``obsm:…:N`` and ``gene:…``."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cellfolio.errors import InvalidArgument
from cellfolio.formats.annotated import read_h5ad
from cellfolio.formats.format import Source
from cellfolio.formats.gene_columns import GeneColumns
from cellfolio.formats.h5ad_contents import (
    H5adSummary,
    read_gene,
    read_obs_column,
    read_obsm,
    summarize_h5ad,
)
from cellfolio.package.nearest import suggest
from cellfolio.workflows.points.points import Column, known_pairs
from cellfolio.workflows.points.tables import matching

if TYPE_CHECKING:
    import pandas as pd

_KEPT = 32
"""Columns that are kept once they were read."""
_MAPS = ("umap", "tsne", "draw_graph", "spatial", "pca")
"""Embeddings, the best to look at first."""
_SYMBOLS = ("gene_symbol", "gene_symbols", "symbol", "gene_name", "feature_name", "gene_short_name")
"""Columns of the table of genes by which people know them."""


@dataclass
class MatrixPoints:
    """Cells of a matrix; safe for several threads.

    Attributes
    ----------
    source : Source
    """

    source: Source
    _kept: dict[str, pd.Series[Any]] = field(default_factory=dict, repr=False)
    _lock: Any = field(default_factory=threading.RLock, repr=False)

    @property
    def name(self) -> str:
        """Of the file."""
        return self.source.name

    @cached_property
    def summary(self) -> H5adSummary:
        """What the file has."""
        return summarize_h5ad(self.source)

    @property
    def rows(self) -> int:
        """Number of cells."""
        return self.summary.cells

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """Columns of the table of cells, then components of embeddings."""
        told = [
            Column(f"obs:{one.name}", "text" if one.kind in ("text", "category") else "number")
            for one in self.summary.obs
        ]
        return (*told, *(Column(name, "number") for pair in self._maps for name in pair))

    @property
    def _maps(self) -> list[tuple[str, str]]:
        def rank(name: str) -> int:
            return next(
                (at for at, word in enumerate(_MAPS) if word in name.casefold()), len(_MAPS)
            )

        fit = [one.name for one in self.summary.obsm if len(one.shape) == 2 and one.shape[1] >= 2]
        return [(f"obsm:{name}:1", f"obsm:{name}:2") for name in sorted(fit, key=rank)]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Embeddings of the file, and columns of cells that are places."""
        named = known_pairs(one.name for one in self.summary.obs)
        return [*self._maps, *((f"obs:{x}", f"obs:{y}") for x, y in named)]

    @cached_property
    def _genes(self) -> dict[str, int]:
        """Place of each gene by its symbol, or by its name where it has none."""
        with GeneColumns(self.source) as columns:
            names = columns.index("var")
            known = {one.name for one in self.summary.var}
            symbol = next((one for one in _SYMBOLS if one in known), None)
            symbols = (columns.column("var", symbol) if symbol else None) or names
        found: dict[str, int] = {}
        for at, name in enumerate(names):
            found.setdefault(name, at)
        for at, name in enumerate(symbols):
            if name:
                found.setdefault(name, at)
        return found

    def find_names(self, text: str, limit: int) -> list[str]:
        """Return names that have a text in them, of genes too."""
        listed = [one.name for one in self.columns]
        if self.summary.matrix is None:
            return matching(listed, text, limit)
        return matching([*listed, *(f"gene:{name}" for name in self._genes)], text, limit)

    def column(self, name: str) -> pd.Series[Any]:
        """Return a column."""
        with self._lock:
            if name not in self._kept:
                self._kept[name] = self._read(name)
            while len(self._kept) > _KEPT:
                self._kept.pop(next(iter(self._kept)))
            return self._kept[name]

    def _read(self, name: str) -> pd.Series[Any]:
        import pandas as pd

        kind, _, rest = name.partition(":")
        if kind == "obs":
            return read_obs_column(self.source, rest)
        if kind == "gene":
            if rest not in self._genes:
                hint = suggest(rest, list(self._genes))
                raise InvalidArgument(f"{self.name} has no gene {rest!r}", hint=hint)
            return pd.Series(read_gene(self.source, self._genes[rest]))
        held, _, number = rest.rpartition(":")
        if kind == "obsm" and number.isdecimal():
            values = read_obsm(self.source, held)
            if not 1 <= int(number) <= values.shape[1]:
                raise InvalidArgument(f"obsm/{held} has {values.shape[1]} components, no {number}")
            return pd.Series(values[:, int(number) - 1])
        raise InvalidArgument(
            f"{self.name} has no column {name!r}", hint="such as obs:louvain, gene:CD3D"
        )

    def rows_of(self, rows: Sequence[int], names: Sequence[str]) -> pd.DataFrame:
        """Return some columns of some cells."""
        import pandas as pd

        return pd.DataFrame({name: self.column(name).iloc[list(rows)].array for name in names})

    @property
    def feature_count(self) -> int:
        """Number of genes."""
        return self.summary.genes

    @property
    def feature_names(self) -> None:
        """All genes are features."""
        return None

    def features(self) -> Any:
        """Return the whole matrix."""
        return read_h5ad(self.source)
