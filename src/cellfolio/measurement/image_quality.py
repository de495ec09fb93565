"""Quality of images: whether they are in focus, or saturated, and how bright they are.

The definitions are those of CellProfiler's module MeasureImageQuality (version 4.2); which of them
tell what is shown by Bray et al. 2012, https://doi.org/10.1177/1087057111420292. Focus scores are
normalized variances: Groen et al. 1985, https://doi.org/10.1002/cyto.990060202. The slope of the
power spectrum: Field and Brady 1997, https://doi.org/10.1016/S0042-6989(97)00181-8.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from cellfolio.errors import InvalidArgument
from cellfolio.measurement.measuring import scale_image
from cellfolio.measurement.objects import Floats, Ints, Plane

QUALITY = "ImageQuality"
"""How names of these features begin."""
_GRAYS = 8
"""Gray levels of the correlation."""
_MOST = 65535
_ROUNDING = 1e-24
_TRUNCATED = 8
"""Of the spectrum, radii below the shorter side by this are used."""


def measure_image_quality(
    images: Mapping[str, npt.ArrayLike], *, scales: Sequence[int] = (20,)
) -> dict[str, float]:
    """Measure the quality of images.

    Parameters
    ----------
    images : mapping of str to array, shape (rows, columns)
        By name of the channel, as the microscope gave them; see `scale_image`.
    scales : sequence of int
        In pixels, for local focus scores and correlations.

    Returns
    -------
    dict of str to float
        By name, ``ImageQuality_<feature>_<channel>``:

        - ``PowerLogLogSlope``: slope of the logarithm of the power by that of the spatial
          frequency. The lower it is, the more the image is out of focus.
        - ``FocusScore``: variance by mean; ``LocalFocusScore_…_<scale>``: variance of this by its
          median, over squares of so many pixels. Higher in focus, where stains are alike.
        - ``Correlation_…_<scale>``: of gray levels with those of so many pixels to the right, in 8
          gray levels. Higher out of focus.
        - ``PercentMaximal``, ``PercentMinimal``: per cent of the pixels that have the greatest and
          the least value of the image. Many maximal ones are saturated.
        - ``TotalArea``, ``TotalIntensity``, ``MeanIntensity``, ``MedianIntensity``,
          ``StdIntensity``, ``MADIntensity``, ``MinIntensity``, ``MaxIntensity``.

    Raises
    ------
    InvalidArgument
        If an image cannot be used or has no pixels, or a scale is not at least 1.

    Examples
    --------
    >>> image = np.array([[0, 51], [255, 255]], dtype=np.uint8)
    >>> found = measure_image_quality({"DNA": image}, scales=[])
    >>> found["ImageQuality_PercentMaximal_DNA"], round(found["ImageQuality_MeanIntensity_DNA"], 3)
    (50.0, 0.55)
    """
    if any(scale < 1 for scale in scales):
        raise InvalidArgument(f"scales should be at least 1 pixel, found {tuple(scales)}")
    found: dict[str, float] = {}
    for name, image in images.items():
        plane = scale_image(image, f"channel {name}")
        if not plane.size:
            raise InvalidArgument(f"channel {name} should have pixels, found none")
        found |= _channel(plane, name, scales)
    return {name: found[name] for name in sorted(found)}


def _channel(plane: Plane, channel: str, scales: Sequence[int]) -> dict[str, float]:
    values = plane.astype(np.float64)
    found = _intensities(values, *_counted(plane))
    mean = found["MeanIntensity"]
    found["FocusScore"] = found["StdIntensity"] ** 2 / mean if mean > 0 else 0.0
    found["PowerLogLogSlope"] = power_slope(values)
    named = {f"{QUALITY}_{name}_{channel}": value for name, value in found.items()}
    for scale in scales:
        named[f"{QUALITY}_LocalFocusScore_{channel}_{scale}"] = local_focus(values, scale)
        named[f"{QUALITY}_Correlation_{channel}_{scale}"] = _correlation(plane, scale)
    return named


def _counted(plane: Plane) -> tuple[Floats, Ints]:
    """Return the distinct values of an image, ascending, and how many pixels have each."""
    levels = np.rint(plane * np.float32(_MOST)).astype(np.int64).ravel()
    values = np.arange(_MOST + 1, dtype=np.float32) / np.float32(_MOST)
    if not np.array_equal(values[levels], plane.ravel()):  # no image of 16 bits
        found, counts = np.unique(plane, return_counts=True)
        return found.astype(np.float64), counts.astype(np.int64)
    counts = np.bincount(levels)
    there = np.flatnonzero(counts)
    return values[there].astype(np.float64), counts[there].astype(np.int64)


def _intensities(values: Floats, distinct: Floats, counts: Ints) -> dict[str, float]:
    median = _median(distinct, counts)
    away = np.abs(distinct - median)
    nearest = np.argsort(away)
    return {
        "TotalArea": float(values.size),
        "TotalIntensity": float(values.sum()),
        "MeanIntensity": float(values.mean()),
        "MedianIntensity": median,
        "StdIntensity": float(values.std()),
        "MADIntensity": _median(away[nearest], counts[nearest]),
        "MinIntensity": float(distinct[0]),
        "MaxIntensity": float(distinct[-1]),
        "PercentMinimal": 100 * float(counts[0]) / values.size,
        "PercentMaximal": 100 * float(counts[-1]) / values.size,
    }


def _median(distinct: Floats, counts: Ints) -> float:
    """Return the median of ascending values of which there are so many each."""
    ends = np.cumsum(counts)
    middle = [(ends[-1] - 1) // 2, ends[-1] // 2]
    return float(distinct[np.searchsorted(ends, middle, side="right")].mean())


def local_focus(values: Floats, scale: int) -> float:
    """Return how much the focus scores of squares differ: their variance by their median.

    Parameters
    ----------
    values : array of float64, shape (rows, columns)
    scale : int
        Side of the squares, in pixels. There are as many as are needed for the image, all of about
        one size. Black ones do not count.

    Returns
    -------
    float
        0 if the median is 0, or all squares are black.

    Examples
    --------
    >>> local_focus(np.array([[0.25, 0.75, 0.25, 0.75, 0.5, 0.5]]), 2)
    0.02777...
    """
    starts = [_starts(side, -(-side // scale)) for side in values.shape]
    sizes = [np.diff(ends, append=side) for ends, side in zip(starts, values.shape, strict=True)]
    counts = sizes[0][:, None] * sizes[1]
    means = _sums(values, starts) / counts
    ground = np.repeat(np.repeat(means, sizes[0], axis=0), sizes[1], axis=1)
    sums = _sums((values - ground) ** 2, starts)
    # What rounding leaves of squares of one value; one pixel of 16 bits that differs leaves more.
    sums[sums < _ROUNDING * counts * means**2] = 0
    bright = means != 0
    if not bright.any():
        return 0.0
    scores = sums[bright] / (counts[bright] * means[bright])
    median = float(np.median(scores))
    return float(scores.var()) / median if median > 0 else 0.0


def _starts(side: int, count: int) -> Ints:
    """Return where squares begin along a side."""
    square = (np.arange(side) * (count / side)).astype(np.int64)
    return np.searchsorted(square, np.arange(count)).astype(np.int64)


def _sums(values: Floats, starts: Sequence[Ints]) -> Floats:
    rows = np.add.reduceat(values, starts[0], axis=0)
    found: Floats = np.add.reduceat(rows, starts[1], axis=1)
    return found


def power_slope(values: Floats) -> float:
    """Return the slope of log power by log frequency, fitted by least squares.

    Parameters
    ----------
    values : array of float64, shape (rows, columns)

    Returns
    -------
    float
        0 where it is not defined: for one value, or fewer than 32 pixels along a side.

    Notes
    -----
    Power is summed over rings one frequency wide, from 2 to an eighth of the shorter side. As in
    CellProfiler, a negative frequency -f counts as f - 1.

    Examples
    --------
    >>> noise = np.random.default_rng(0).random((256, 256))
    >>> power_slope(noise) > power_slope(np.cumsum(noise - noise.mean(), axis=1))
    True
    """
    rows, columns = values.shape
    most = int(min(rows, columns) / _TRUNCATED)
    if most < 4 or values.min() == values.max():
        return 0.0
    reach = np.arange(most)
    half = np.fft.rfft(values - values.mean(), axis=1)[:, : most + 1]
    power = np.abs(np.fft.fft(half, axis=0)) ** 2
    down = np.concatenate([reach, -1 - reach])
    rings = np.floor(np.hypot(np.concatenate([reach, reach])[:, None], reach)).astype(np.int64) + 1
    # Of real values, the power at (-y, -x) is that at (y, x).
    both = power[down, :most] + power[-down, 1:]
    sums = np.bincount(rings.ravel(), both.ravel())[2:most]
    told = np.flatnonzero(sums)
    if len(told) < 2:
        return 0.0
    across, up = np.log(told + 2.0), np.log(sums[told])
    across -= across.mean()
    return float((across * up).sum() / (across**2).sum())


def _correlation(plane: Plane, scale: int) -> float:
    """Return the correlation of gray levels; 0 if it is not defined."""
    least, most = plane.min(), plane.max()
    if scale >= plane.shape[1] or least == most:
        return 0.0
    shares = (plane - least) / (most - least)
    grays = np.minimum(shares * np.float32(_GRAYS), _GRAYS - 1).astype(np.int64)
    codes = grays[:, :-scale] * _GRAYS + grays[:, scale:]
    pairs = np.bincount(codes.ravel(), minlength=_GRAYS**2).reshape(_GRAYS, _GRAYS)
    level = np.arange(_GRAYS)
    total = float(pairs.sum())
    mean_one, mean_other = (level @ pairs.sum(1)) / total, (level @ pairs.sum(0)) / total
    away_one, away_other = level - mean_one, level - mean_other
    spread = (away_one**2 @ pairs.sum(1)) * (away_other**2 @ pairs.sum(0))
    return float(away_one @ pairs @ away_other / np.sqrt(spread)) if spread > 0 else 0.0
