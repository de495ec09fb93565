"""Tables written to files, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellfolio.errors import InvalidArgument
from cellfolio.formats.delimiting import delimited_text
from cellfolio.storage.disk import writing

if TYPE_CHECKING:
    import pandas as pd


_MEMBER = 1 << 26
"""Characters that are compressed at once: more than a table of profiles of a plate has."""
_LEVEL = 6
"""Of libdeflate: files are smaller than those of pandas, of level 9 of zlib, in a quarter of the
time."""


def _write_delimited(
    frame: pd.DataFrame, path: Path, separator: str, float_format: str | None
) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(delimited_text(frame, separator, float_format))


def _write_csv_gz(
    frame: pd.DataFrame, path: Path, separator: str, float_format: str | None
) -> None:
    """Write compressed text, without name and time: the same table gives the same bytes."""
    import imagecodecs

    with path.open("wb") as file:
        waiting: list[str] = []
        for text in delimited_text(frame, separator, float_format):
            waiting.append(text)
            if sum(map(len, waiting)) >= _MEMBER:
                file.write(imagecodecs.gzip_encode("".join(waiting).encode(), level=_LEVEL))
                waiting.clear()
        if waiting:
            file.write(imagecodecs.gzip_encode("".join(waiting).encode(), level=_LEVEL))


def _write_parquet(frame: pd.DataFrame, path: Path) -> None:
    import pyarrow as pa

    # Measured numbers hardly repeat: looking for what does takes half of the time, and room.
    names = [str(name) for name, kind in frame.dtypes.items() if getattr(kind, "kind", "O") != "f"]
    repeating: Any = names or False
    try:
        frame.to_parquet(path, index=False, use_dictionary=repeating, write_statistics=repeating)
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise InvalidArgument(
            f"the table cannot be written as Parquet: {error}", hint="write it as .csv or .json"
        ) from None


def _write_json(frame: pd.DataFrame, path: Path) -> None:
    import json

    path.write_text(
        json.dumps(plain_records(frame), ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )


def _write_h5ad(frame: pd.DataFrame, path: Path) -> None:
    from cellfolio.formats.tabular import as_anndata

    as_anndata(frame, "the table").write_h5ad(path, compression="gzip")


def _write_gct(frame: pd.DataFrame, path: Path) -> None:
    from cellfolio.formats.gct_writing import write_gct
    from cellfolio.formats.tabular import as_matrix

    write_gct(as_matrix(frame, "the table"), path)


_DELIMITED: Mapping[str, Callable[..., None]] = {
    ".csv": partial(_write_delimited, separator=","),
    ".csv.gz": partial(_write_csv_gz, separator=","),
    ".tsv": partial(_write_delimited, separator="\t"),
}
_OTHERS: Mapping[str, Callable[[Any, Path], None]] = {
    ".parquet": _write_parquet,
    ".json": _write_json,
    ".h5ad": _write_h5ad,
    ".gct": _write_gct,
}
SUFFIXES = (*_DELIMITED, *_OTHERS)
"""Of tables that can be written."""


def check_table_name(path: Path) -> Path:
    """Return a path if its suffix is that of a table that can be written, and its folder is there.

    Raises
    ------
    InvalidArgument
    """
    if not path.name.lower().endswith(SUFFIXES):
        raise InvalidArgument(
            f"a table cannot be written to {path.name!r}: its suffix should be one of "
            f"{', '.join(SUFFIXES)}"
        )
    if not path.parent.is_dir():
        raise InvalidArgument(
            f"there is no folder {path.parent} to write {path.name} to", hint="make it first"
        )
    return path


def write_table(frame: pd.DataFrame, path: Path, float_format: str | None = None) -> None:
    """Write a table to a file; the suffix tells the format. A file that is there is replaced.

    Parameters
    ----------
    frame : DataFrame
        Its index is not written.
    path : Path
        ``.csv``, ``.csv.gz``, ``.tsv``, ``.parquet``, ``.json`` (a list of objects), or of
        profiles ``.h5ad`` and ``.gct`` (see `cellfolio.formats.tabular`).
    float_format : str, optional
        How delimited text has numbers that are not whole, such as ``"%.5g"``; by default with the
        fewest digits that give the same number again. The text is that of `DataFrame.to_csv`.

    Raises
    ------
    InvalidArgument
    """
    check_table_name(path)
    suffix = max((one for one in SUFFIXES if path.name.lower().endswith(one)), key=len)
    if float_format is not None and suffix not in _DELIMITED:
        raise InvalidArgument(f"float_format is of use for {', '.join(_DELIMITED)}, found {suffix}")
    with writing(path, suffix) as unfinished:
        if suffix in _DELIMITED:
            _DELIMITED[suffix](frame, unfinished, float_format=float_format)
        else:
            _OTHERS[suffix](frame, unfinished)


def plain_records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as JSON has them: missing values and infinities are null.

    Examples
    --------
    >>> import pandas as pd
    >>> plain_records(pd.DataFrame({"n": [1, 2], "x": [0.5, float("nan")]}))
    [{'n': 1, 'x': 0.5}, {'n': 2, 'x': None}]
    """
    names = [str(name) for name in frame.columns]
    columns = [[plain(value) for value in frame.iloc[:, at].tolist()] for at in range(len(names))]
    if not columns:
        return [{} for _ in range(len(frame))]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    import math

    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(one) for one in value]
    if hasattr(value, "tolist"):  # arrays and scalars of numpy
        return plain(value.tolist())
    if str(value) == "<NA>" or value != value:  # noqa: PLR0124 - NaT differs from itself
        return None
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
