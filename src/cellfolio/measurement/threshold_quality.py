"""How well a threshold parts an image into foreground and background.

The two measures that CellProfiler (version 4.2) writes of each threshold into its table of images;
both are of logarithms of intensities, and lower is better.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellfolio.measurement.objects import Floats, Plane

_DEPTH = 256
"""What is darker than the brightest pixel by this factor counts as if it were not."""
_NOISE = 2.0**-8
"""Of the entropies: the last of 8 bits."""


def measure_threshold(
    image: Plane, foreground: npt.NDArray[np.bool_], kind: str
) -> dict[str, float]:
    """Measure how well a threshold parts an image.

    Parameters
    ----------
    image : array of float32, shape (rows, columns)
        From 0 to 1.
    foreground : array of bool, shape (rows, columns)
        Where the image, smoothed as the segmentation does, reaches the threshold.
    kind : str
        Of the objects, such as ``Nuclei``.

    Returns
    -------
    dict of str to float
        ``Threshold_WeightedVariance_<kind>``: variance of log₂ of the intensities within the
        foreground and within the background, weighted by their numbers of pixels.
        ``Threshold_SumOfEntropies_<kind>``: Σ p log₂ p of both, in 256 bins of log₂ of the
        intensities, to which noise of one 256th was added. Both are 0 for a black image.

    Notes
    -----
    CellProfiler's noise has a fixed seed, and is the same here, so that entropies are equal, too.

    Examples
    --------
    >>> image = np.array([[0.125, 0.125, 0.5, 1.0]], dtype=np.float32)
    >>> measure_threshold(image, image > 0.25, "Nuclei")["Threshold_WeightedVariance_Nuclei"]
    0.125
    """
    return {
        f"Threshold_WeightedVariance_{kind}": _weighted_variance(image, foreground),
        f"Threshold_SumOfEntropies_{kind}": _sum_of_entropies(image, foreground),
    }


def _weighted_variance(image: Plane, foreground: npt.NDArray[np.bool_]) -> float:
    least = image.max(initial=0) / np.float32(_DEPTH)
    if least == 0:
        return 0.0
    logs = np.log2(np.maximum(image, least))
    parts = [logs[foreground], logs[~foreground]]
    return float(sum(part.size * float(part.var()) for part in parts if part.size) / image.size)


def _sum_of_entropies(image: Plane, foreground: npt.NDArray[np.bool_]) -> float:
    least = image.max(initial=0) / np.float32(_DEPTH)
    if least == 0:
        return 0.0
    noisy = _with_noise(np.maximum(image, least))
    logs = np.log2(noisy)
    bounds = float(logs.min()), float(logs.max())
    if bounds[0] == bounds[1]:
        return float(np.log2(image.size))
    parts = [logs[foreground], logs[~foreground]]
    if not all(part.size for part in parts):
        return 0.0
    return sum(_entropy(part, bounds) for part in parts)


def _with_noise(image: Plane) -> Floats:
    """Move each pixel along the way to one with a 256th more light, by a normal share."""
    share = np.random.RandomState(0).normal(size=image.shape)
    dim = np.clip(image, _NOISE, 1)
    moved = np.exp2(np.log2(dim + np.float32(_NOISE)) * share + (1 - share) * np.log2(dim))
    found: Floats = np.clip(moved, 0, 1)
    return found


def _entropy(logs: Floats, bounds: tuple[float, float]) -> float:
    counts = np.histogram(logs, _DEPTH, range=bounds)[0]
    shares = counts[counts > 0] / counts.sum()
    return float((shares * np.log2(shares)).sum())
