"""Binomial numbers drawn at once: those of the distribution itself."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cellfolio.evaluation.binomials import draw_binomial

DRAWS = 200_000


@pytest.mark.parametrize(
    ("size", "share"),
    [(300, 0.2), (300, 0.5), (300, 0.067), (40, 0.5), (5_000, 0.97), (300, 0.01), (3, 0.4)],
)
def test_numbers_have_the_binomial_distribution(size: int, share: float) -> None:
    stream = np.random.default_rng(0)
    drawn = draw_binomial(np.full(DRAWS, float(size)), np.full(DRAWS, share), stream)
    found = np.bincount(drawn.astype(np.int64), minlength=size + 1)
    wanted = stats.binom.pmf(np.arange(size + 1), size, share) * DRAWS
    often = wanted > 10
    squares = np.square(found - wanted)[often] / wanted[often]
    assert stats.chi2.sf(squares.sum(), often.sum() - 1) > 0.001
    assert found[~often].sum() == pytest.approx(wanted[~often].sum(), abs=40)


def test_each_number_has_its_own_size_and_share() -> None:
    sizes, shares = np.repeat([[50.0], [400.0]], 2, axis=1), np.array([[0.1, 0.9], [0.4, 0.5]])
    stream = np.random.default_rng(1)
    drawn = draw_binomial(np.tile(sizes.ravel(), 20_000), np.tile(shares.ravel(), 20_000), stream)
    means = drawn.reshape(-1, 4).mean(axis=0)
    assert means == pytest.approx((sizes * shares).ravel(), rel=0.01)
    assert (drawn == np.rint(drawn)).all()
    assert (drawn >= 0).all()


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_what_is_sure_is_no_chance(share: float) -> None:
    drawn = draw_binomial(np.array([0.0, 7, 500]), np.full(3, share), np.random.default_rng(2))
    assert drawn.tolist() == [0, 7 * share, 500 * share]
