"""Correlations that begin with 32 bits: the answer is that of 64 bits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellfolio.profiles import connections
from cellfolio.profiles.connections import connect, connect_exactly
from cellfolio.profiles.correlation import correlations
from cellfolio.profiles.redundancy import find_redundant
from cellfolio.profiles.statistics import Array
from cellfolio.profiles.tables import open_table


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin with 32 bits for few rows already, several tiles of them."""
    monkeypatch.setattr(connections, "_WORTH", 2)
    monkeypatch.setattr(connections, "_TILE", 16)
    monkeypatch.setattr(connections, "_ROWS", 8)


def exactly(values: Array, maximum: float, kind: Literal["pearson", "spearman"]) -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connections, "_WORTH", len(values) + 1)
        return find_redundant(values, maximum, kind)


def features(seed: int, count: int, rows: int) -> Array:
    """Return families of features; some are copies, scaled, nearly alike, constant or missing."""
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(max(count // 4, 1), rows))
    values = base[rng.integers(len(base), size=count)]
    values = values * rng.choice([1, -1, 1e-9, 1e12], (count, 1)) + rng.choice([0, 7.5], (count, 1))
    noise = rng.choice([0, 0, 1e-9, 1e-7, 1e-3, 0.3], (count, 1))
    values = values + noise * rng.normal(size=values.shape) * np.ptp(values, axis=1, keepdims=True)
    kind = rng.random(count)
    values[kind < 0.05] = 3.25
    rounded = kind > 0.9
    values[rounded] = np.round(values[rounded] / np.ptp(values[rounded], axis=1, keepdims=True) * 3)
    holes = rng.random((count, rows)) < 0.1
    values[(kind > 0.85)[:, None] & holes] = np.nan
    return np.asarray(values)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("kind", ["pearson", "spearman"])
@given(
    seed=st.integers(0, 2**31),
    count=st.integers(2, 90),
    rows=st.integers(3, 60),
    maximum=st.sampled_from([0.9, 0.5, 0.0, 1.0]),
)
@settings(max_examples=100, deadline=None)
def test_the_same_features_go_for_the_same_reasons(
    kind: Literal["pearson", "spearman"], seed: int, count: int, rows: int, maximum: float
) -> None:
    values = features(seed, count, rows)
    assert find_redundant(values, maximum, kind) == exactly(values, maximum, kind)


@pytest.mark.usefixtures("small")
@given(seed=st.integers(0, 2**31), rows=st.sampled_from([3, 40, 400]))
@settings(max_examples=30, deadline=None)
def test_pairs_are_exact_and_errors_within_their_bounds(seed: int, rows: int) -> None:
    known = correlations(features(seed, 80, rows), "pearson")
    assert known.unit is not None
    matrix = np.nan_to_num(known.unit @ known.unit.T)
    limit = float(np.sort(matrix[np.tril_indices(len(matrix), -1)])[len(matrix) // 3]) + 1e-12
    limit = max(limit, 0.01)
    screen = connections._Screen(known.unit, limit)
    found = {pair for tile in screen.tiles() for pair in zip(*tile.pairs(), strict=True)}
    assert found == {(a, b) for a, b in zip(*np.nonzero(matrix > limit), strict=True) if b < a}
    exact = np.abs(matrix).sum(axis=1)
    off = np.abs(screen.sums - exact)
    assert (off <= screen.errors() + 1e-12).all()
    assert off.max() > 0
    varied = np.flatnonzero(~np.isnan(known.unit[:, 0]))
    np.testing.assert_allclose(screen.exact_sums(varied), exact[varied], rtol=1e-13)


@pytest.mark.usefixtures("small")
def test_what_32_bits_cannot_tell_is_told_by_64() -> None:
    # Three features that are alike but for 1e-6, far from the others: their sums differ by less
    # than 32 bits can tell, and one of them stays.
    rng = np.random.default_rng(5)
    values = rng.normal(size=(60, 200))
    values[[10, 30, 50]] = values[10] + 1e-6 * rng.normal(size=(3, 200))
    known = correlations(values, "pearson")
    rough = connect(known, 0.9)
    exact = connect_exactly(known, 0.9)
    assert np.array_equal(np.flatnonzero(np.isclose(rough.sums, exact.sums, rtol=1e-14, atol=0)),
                          [10, 30, 50])  # fmt: skip
    assert len(find_redundant(values, 0.9, "pearson")) == 2


def plates(shared: Path) -> Iterator[Array]:
    for path in sorted((shared / "data/pediatric_atlas").glob("*/*_bulk_normalized.parquet")):
        yield open_table(pd.read_parquet(path)).values()


def test_real_plates_are_screened_and_come_out_the_same(shared: Path) -> None:
    seen = 0
    for values in plates(shared):
        known = correlations(values, "pearson")
        assert known.unit is not None
        assert len(known.unit) > connections._WORTH
        for maximum in (0.9, 0.6):
            assert find_redundant(values, maximum, "pearson") == exactly(values, maximum, "pearson")
        seen += 1
    assert seen
