"""Statistics of many features at once are those of NumPy and SciPy, one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import stats

from cellfolio.profiles.correlation import correlations
from cellfolio.profiles.ranking import Ranking
from cellfolio.profiles.statistics import medians, medians_and_deviations, moments, quantiles

Values = npt.NDArray[np.float64]
WHOLE = st.one_of(st.integers(-3, 3).map(float), st.floats(-1e6, 1e6))
FLOATS = st.one_of(WHOLE, st.just(np.nan))
SHAPES = array_shapes(min_dims=2, max_dims=2, max_side=9)

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


@given(arrays(np.float64, SHAPES, elements=FLOATS))
def test_medians_and_quantiles(values: Values) -> None:
    np.testing.assert_array_equal(medians(values), np.nanmedian(values, axis=1))
    found = quantiles(values, (0.25, 0.5, 0.75))
    wanted = np.nanpercentile(values, (25, 50, 75), axis=1)
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-9)


@given(arrays(np.float64, SHAPES, elements=st.one_of(FLOATS, st.sampled_from([np.inf, -np.inf]))))
def test_deviations_are_medians_of_distances(values: Values) -> None:
    middle, deviation = medians_and_deviations(values)
    np.testing.assert_array_equal(middle, medians(values))
    wanted = medians(np.abs(values - middle[:, None]))
    wanted[np.isinf(middle)] = np.nan
    np.testing.assert_array_equal(deviation, wanted)


@given(arrays(np.float64, SHAPES, elements=FLOATS))
def test_moments(values: Values) -> None:
    found = moments(values)
    np.testing.assert_allclose(found.mean, np.nanmean(values, axis=1), rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(found.variance, np.nanvar(values, axis=1), rtol=1e-9, atol=1e-9)
    flat = np.nanmax(values, axis=1) == np.nanmin(values, axis=1)
    assert found.constant[flat].all()


CLOSE = st.sampled_from(
    [1.0, np.nextafter(1, 2), np.nextafter(1, 0), 1 + 2**-49, -0.0, 0.0, 5e-324]
)


@given(arrays(np.float64, SHAPES, elements=st.one_of(WHOLE, CLOSE)), st.randoms())
def test_ranks_of_all_values_and_of_some(values: Values, random: Any) -> None:
    rows = np.arange(len(values))
    ranking = Ranking(values)
    middle = (values.shape[1] + 1) / 2
    np.testing.assert_array_equal(ranking.centred(rows), stats.rankdata(values, axis=1) - middle)
    kept = np.array([[random.random() < 0.7 for _ in row] for row in values])
    found, alike = ranking.centred(rows, kept), ranking.centred(rows, kept[0])
    for at, row in enumerate(values):
        for some, mask in ((found, kept[at]), (alike, kept[0])):
            wanted = stats.rankdata(row[mask]) - (mask.sum() + 1) / 2
            np.testing.assert_array_equal(some[at, mask], wanted)
            assert not some[at, ~mask].any()


@pytest.mark.parametrize("name", ["pearson", "spearman", "kendall"])
def test_correlations_pair_by_pair(name: Any) -> None:
    one_by_one = {"pearson": _pearson, "spearman": stats.spearmanr, "kendall": stats.kendalltau}
    elements = st.one_of(st.integers(-3, 3).map(float), st.sampled_from([np.nan, np.inf]))
    shapes = array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=6)

    @given(arrays(np.float64, shapes, elements=elements))
    @settings(max_examples=40)
    def check(values: Values) -> None:
        found = correlations(values, name).matrix()
        for at, x in enumerate(values):
            for other, y in enumerate(values):
                both = np.isfinite(x) & np.isfinite(y)
                varied = len(set(x[both])) > 1 and len(set(y[both])) > 1
                wanted = one_by_one[name](x[both], y[both])[0] if varied else np.nan
                np.testing.assert_allclose(found[at, other], wanted, rtol=1e-9, atol=1e-12)

    check()


def _pearson(x: Values, y: Values) -> tuple[float]:
    return (float(np.corrcoef(x, y)[0, 1]),)
