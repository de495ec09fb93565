"""pycytominer as the judge, and tables for it to judge."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from hypothesis import strategies as st

from cellfolio.profiles import split_features

Floats = npt.NDArray[np.float64]


def ask(verb: str, *arguments: Any, **options: Any) -> pd.DataFrame:
    """Ask pycytominer, which warns of missing values and of its own use of pandas."""
    import pycytominer

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        function: Callable[..., pd.DataFrame] = getattr(pycytominer, verb)
        return function(*(one.copy() for one in arguments), **options)


def matrix(table: pd.DataFrame) -> Floats:
    """Return the features as rows × features."""
    names = list(split_features(list(table.columns)).features)
    return table[names].to_numpy(dtype=np.float64)


def assert_same(ours: pd.DataFrame, peer: pd.DataFrame, scale: Floats | None = None) -> None:
    """Compare columns, metadata, and numbers to 1e-9.

    What is subtracted from nearly its own size cannot be right to 1e-9 of the difference, so a
    `scale` says for each feature what sizes were subtracted.
    """
    assert list(ours.columns) == list(peer.columns)
    metadata = list(split_features(list(ours.columns)).metadata)
    pd.testing.assert_frame_equal(_plain(ours[metadata]), _plain(peer[metadata]))
    found, wanted = matrix(ours), matrix(peer)
    finite = np.isfinite(wanted)
    np.testing.assert_array_equal(finite, np.isfinite(found))
    np.testing.assert_array_equal(found[~finite], wanted[~finite])
    allowed = np.abs(wanted) if scale is None else np.maximum(np.abs(wanted), scale)
    with np.errstate(invalid="ignore"):
        wrong = finite & ~(np.abs(found - wanted) <= 1e-9 * allowed)
    assert not wrong.any(), (found[wrong], wanted[wrong])


def _plain(metadata: pd.DataFrame) -> pd.DataFrame:
    """Return metadata with one kind of missing value."""
    plain = metadata.astype(object).reset_index(drop=True)
    return plain.where(plain.notna(), None)


PLATES = ("P1", "P2")
CONTROLS = "Metadata_control_type == 'negcon'"


@st.composite
def tables(
    draw: st.DrawFn, *, missing: bool = True, infinite: bool = False, least: int = 1
) -> pd.DataFrame:
    """Draw a table of profiles: features with few values, constant, whole, of other sizes."""
    rows = draw(st.integers(least, 12))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "Metadata_Plate": rng.choice(PLATES, rows),
            "Metadata_Well": [f"A{number:02d}" for number in range(1, rows + 1)],
            "Metadata_drug": rng.choice(["DMSO", "taxol", "rotenone"], rows),
            "Metadata_control_type": [
                "negcon" if chance < 0.5 else None for chance in rng.random(rows)
            ],
        }
    )
    if draw(st.booleans()):
        table["Metadata_drug"] = table["Metadata_drug"].where(rng.random(rows) < 0.8, None)
    kinds = ["normal", "whole", "few", "constant", "large", "copy", "object"]
    values: dict[str, Any] = {}
    for number, kind in enumerate(draw(st.lists(st.sampled_from(kinds), min_size=2, max_size=9))):
        name = f"{('Cells', 'Cytoplasm', 'Nuclei')[number % 3]}_Kind_{kind}{number}"
        column = _column(kind, rng, rows, values)
        if kind not in ("whole", "copy") and missing and rng.random() < 0.4:
            column = np.where(rng.random(rows) < 0.3, np.nan, column)
        if kind == "normal" and infinite and rng.random() < 0.3:
            column = np.where(rng.random(rows) < 0.2, rng.choice([-np.inf, np.inf]), column)
        values[name] = column
    return pd.concat([table, pd.DataFrame(values)], axis=1)


def _column(kind: str, rng: np.random.Generator, rows: int, before: dict[str, Any]) -> Any:
    if kind == "whole":
        return rng.integers(0, 4, rows)
    if kind == "few":
        return rng.choice([0.0, -0.0, 1.5], rows)
    if kind == "constant":
        return np.full(rows, 0.1)
    if kind == "large":
        return rng.normal(1e6, 1e3, rows)
    if kind == "copy" and before:
        return next(reversed(before.values())) * 2.0
    return rng.normal(size=rows)


def sizes(table: pd.DataFrame) -> Floats:
    """Return the largest absolute finite value of each feature."""
    values = np.abs(matrix(table))
    found: Floats = np.max(np.where(np.isfinite(values), values, 0), axis=0, initial=0)
    return found
