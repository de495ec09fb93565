"""A column of a table as what points are coloured by: classes with names, or numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from cellfolio.errors import InvalidArgument

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

Kind: TypeAlias = Literal["auto", "category", "number"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MISSING = {"uint8": 255, "uint16": 65535}
"""Code of a point without a value, by the type of the codes."""
_FEW_NUMBERS = 12
"""So many different numbers, such as doses, are classes."""
_PERCENTILES = (0.5, 99.5)
_LONGEST = 200
"""Letters of a name that are told."""


@dataclass(frozen=True, slots=True)
class Colours:
    """What points are coloured by.

    Attributes
    ----------
    name : str
    kind : {'category', 'number'}
    values : array, shape (rows,)
        Of numbers float32, NaN where there is none. Of classes uint8 or uint16: the place of each
        row's class in `names`, and `MISSING` where it has none.
    names : tuple of str
        Of classes, the most frequent first.
    counts : tuple of int
        Rows of each class.
    missing : int
        Rows without a value.
    limits : tuple of float
        Of numbers: two percentiles, so that a few extremes do not take all the colours.
    span : tuple of float
        Of numbers: lowest and highest.
    """

    name: str
    kind: Literal["category", "number"]
    values: npt.NDArray[Any] = field(repr=False)
    names: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    missing: int = 0
    limits: tuple[float, float] = (0.0, 1.0)
    span: tuple[float, float] = (0.0, 1.0)


def colour_by(column: pd.Series[Any], name: str, kind: Kind = "auto") -> Colours:
    """Return a column as what points are coloured by.

    Parameters
    ----------
    column : pandas.Series
    name : str
    kind : {'auto', 'category', 'number'}
        By default, numbers are numbers unless they are few.

    Raises
    ------
    InvalidArgument
        If texts are wanted as numbers, or there are more classes than 16 bits can tell.

    Examples
    --------
    >>> import pandas as pd
    >>> found = colour_by(pd.Series(["b", "a", None, "b"]), "drug")
    >>> found.names, found.counts, found.values.tolist(), found.missing
    (('b', 'a'), (2, 1), [0, 1, 255, 0], 1)
    """
    import pandas as pd

    dtype = column.dtype
    numeric = pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)
    if kind == "number" and not numeric:
        raise InvalidArgument(f"{name} has texts; expected numbers", hint="colour by category")
    if numeric and (kind == "number" or (kind == "auto" and column.nunique() > _FEW_NUMBERS)):
        return _numbers(column, name)
    return _classes(column, name)


def _numbers(column: pd.Series[Any], name: str) -> Colours:
    import numpy as np

    exact = column.to_numpy(dtype=np.float64, na_value=np.nan)
    with np.errstate(over="ignore"):
        values = exact.astype("<f4")
    known = values[np.isfinite(values)].astype(np.float64)
    missing = len(values) - len(known)
    values[~np.isfinite(values)] = np.nan
    if not len(known):
        return Colours(name, "number", values, missing=missing)
    low, high = (float(one) for one in np.percentile(known, _PERCENTILES))
    span = float(known.min()), float(known.max())
    if low == high:  # so few rows have another value that no percentile tells
        low, high = span
    if low == high:
        high = low + max(1.0, abs(low) * 1e-6)
    return Colours(name, "number", values, missing=missing, limits=(low, high), span=span)


def _classes(column: pd.Series[Any], name: str) -> Colours:
    import numpy as np
    import pandas as pd

    numbers, found = pd.factorize(column, use_na_sentinel=True)
    texts = pd.Series([_text(one) for one in found], dtype=object)
    # Two values may be one text, such as 1 and "1" in a column of objects.
    again, unique = pd.factorize(texts)
    names = [str(one) for one in unique]
    codes = np.where(numbers >= 0, np.append(again, -1)[numbers], -1)
    counts = np.bincount(codes[codes >= 0], minlength=len(names))
    if len(names) >= MISSING["uint16"]:
        raise InvalidArgument(
            f"{name} has {len(names):,} different values; up to {MISSING['uint16'] - 1:,} can be "
            "coloured",
            hint="choose a column that groups rows",
        )
    order = sorted(range(len(names)), key=lambda at: (-int(counts[at]), names[at]))
    rank = np.empty(len(names) + 1, dtype=np.int64)
    rank[order] = np.arange(len(names))
    kind = "uint8" if len(names) < MISSING["uint8"] else "uint16"
    rank[-1] = MISSING[kind]
    return Colours(
        name,
        "category",
        rank[codes].astype(np.dtype(kind).newbyteorder("<")),
        tuple(names[at] for at in order),
        tuple(int(counts[at]) for at in order),
        int((codes < 0).sum()),
    )


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    text = str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
