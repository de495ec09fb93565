"""A table that knows its columns, and reads those that are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from cellfolio.errors import InvalidArgument
from cellfolio.package.nearest import suggest

_SHOWN = 8


@dataclass(frozen=True, slots=True)
class LazyTable:
    r"""A table on disk.

    Attributes
    ----------
    name : str
        Of the file.
    columns : tuple of str
        Names of its columns, in order.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from cellfolio.formats.loading import load
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "wells.csv")
    ...     _ = path.write_text("well,count,area\nA01,3,0.5\n")
    ...     table = load(path, lazy=True)
    ...     print(table)
    ...     table[["area", "well"]].values.tolist()
    LazyTable(wells.csv, 3 columns: well, count, area)
    [[0.5, 'A01']]
    """

    name: str
    columns: tuple[str, ...]
    _read: Callable[[Sequence[str]], Any] = field(repr=False, compare=False)

    def read(self, columns: Sequence[str] | None = None) -> Any:
        """Return the table, or columns of it in the order asked, as a data frame.

        Parameters
        ----------
        columns : sequence of str, optional

        Raises
        ------
        InvalidArgument
            If a column is not there.
        BrokenFile
            If the file is not a whole, valid table.
        """
        wanted = self.columns if columns is None else tuple(columns)
        for column in wanted:
            if column not in self.columns:
                raise InvalidArgument(
                    f"{self.name} has no column {column!r}", hint=suggest(column, self.columns)
                )
        return self._read(wanted)

    def __getitem__(self, columns: str | Sequence[str]) -> Any:
        """Return a column, or a table of some columns."""
        if isinstance(columns, str):
            return self.read([columns])[columns]
        return self.read(columns)

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __repr__(self) -> str:
        names = ", ".join(self.columns[:_SHOWN])
        more = ", …" if len(self.columns) > _SHOWN else ""
        return f"LazyTable({self.name}, {len(self.columns)} columns: {names}{more})"
