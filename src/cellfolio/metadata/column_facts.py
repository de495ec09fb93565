"""What the values of a column are like: how many, how spread, which ones most often."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

BINS = 32
"""Bars of a histogram, at most."""
TOP = 12
"""Values that are told, the most frequent ones."""
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_UNIT = re.compile(r"[(\[]\s*([^()\[\]]{1,12}?)\s*[)\]]\s*$")


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """What the values of a column are like.

    Attributes
    ----------
    count, missing : int
        Values there are, and values that are missing or no number.
    lowest, highest, mean, deviation : float or None
        Of finite numbers; the standard deviation is that of a sample.
    quantiles : tuple of (float, float)
        Share and value, for `QUANTILES`.
    edges : tuple of float
        Borders of the bars of a histogram.
    bars : tuple of int
        Values in each.
    distinct : int or None
        Different values, of what is no decimal number.
    top : tuple of (object, int)
        The most frequent values, with how often.
    """

    count: int
    missing: int
    lowest: float | None = None
    highest: float | None = None
    mean: float | None = None
    deviation: float | None = None
    quantiles: tuple[tuple[float, float], ...] = ()
    edges: tuple[float, ...] = ()
    bars: tuple[int, ...] = ()
    distinct: int | None = None
    top: tuple[tuple[Any, int], ...] = ()


def kind_of(type_: pa.DataType) -> str:
    """Return what people call the kind of a column's values.

    Examples
    --------
    >>> import pyarrow as pa
    >>> [kind_of(one) for one in (pa.int8(), pa.float64(), pa.string(), pa.bool_())]
    ['whole number', 'number', 'text', 'true or false']
    """
    from pyarrow import types

    if types.is_dictionary(type_):
        return kind_of(type_.value_type)
    kinds = (
        (types.is_boolean, "true or false"),
        (types.is_integer, "whole number"),
        (types.is_floating, "number"),
        (types.is_decimal, "number"),
        (types.is_timestamp, "date and time"),
        (types.is_date, "date"),
        (types.is_time, "time"),
        (types.is_duration, "duration"),
        (types.is_string, "text"),
        (types.is_large_string, "text"),
        (types.is_string_view, "text"),
        (types.is_nested, "list or record"),
        (types.is_null, "nothing"),
    )
    return next((words for fits, words in kinds if fits(type_)), "bytes")


def unit_of(field: pa.Field) -> str:
    """Return the unit of a column: of its metadata, or in brackets at the end of its name.

    Examples
    --------
    >>> import pyarrow as pa
    >>> unit_of(pa.field("dose (µM)", pa.float64())), unit_of(pa.field("x", pa.float64()))
    ('µM', '')
    """
    told = (field.metadata or {}).get(b"unit", b"").decode(errors="replace")
    if told or kind_of(field.type) not in ("number", "whole number"):
        return str(told)
    found = _UNIT.search(field.name)
    return found[1] if found else ""


def describe_column(column: pa.ChunkedArray) -> ColumnFacts:
    """Return what the values of a column are like."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = kind_of(column.type)
    missing = column.null_count
    if kind not in ("number", "whole number"):
        return ColumnFacts(len(column) - missing, missing, **_frequent(column))
    values = np.asarray(pc.cast(column.drop_null(), pa.float64(), safe=False))
    finite = values[np.isfinite(values)]
    told = _frequent(column) if kind == "whole number" else {}
    count = len(values) - int(np.isnan(values).sum())
    return ColumnFacts(count, len(column) - count, **_spread(finite, kind), **told)


def _spread(values: np.ndarray, kind: str) -> dict[str, Any]:
    import numpy as np

    if not len(values):
        return {}
    low, high = float(values.min()), float(values.max())
    # Sums of numbers near the largest there is are infinite, and told to be.
    with np.errstate(over="ignore", invalid="ignore"):
        edges = _edges(low, high, len(values), whole=kind == "whole number")
        strict = bool((np.diff(edges) > 0).all())
        bars = np.histogram(values, edges)[0] if strict else np.array([len(values)])
        mean = float(values.mean())
        deviation = float(values.std(ddof=1)) if len(values) > 1 else None
        quantiles = np.quantile(values, QUANTILES)
    return {
        "lowest": low,
        "highest": high,
        "mean": mean,
        "deviation": deviation,
        "quantiles": tuple(zip(QUANTILES, map(float, quantiles), strict=True)),
        "edges": tuple(map(float, edges)),
        "bars": tuple(map(int, bars)),
    }


def _edges(low: float, high: float, count: int, *, whole: bool) -> np.ndarray:
    import numpy as np

    if whole and high - low < BINS:
        return np.arange(low - 0.5, high + 1)
    if low < high and np.isfinite(high - low):
        return np.linspace(low, high, min(BINS, count) + 1)
    return np.array([low, high])


def _frequent(column: pa.ChunkedArray) -> dict[str, Any]:
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        counts = pc.value_counts(column.drop_null())
    except pa.ArrowException:  # lists and records
        return {}
    order = pc.select_k_unstable(counts.field(1), TOP, [("", "descending")])
    top = [(one["values"], one["counts"]) for one in counts.take(order).to_pylist()]
    top.sort(key=lambda pair: (-pair[1], str(pair[0])))
    return {"distinct": len(counts), "top": tuple(top)}
