"""Features as cp_measure has them, under CellProfiler's names."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cellfolio.measurement import scale_image

Array = npt.NDArray[Any]

RENAMED = {"Correlation_Pearson": "Correlation_Correlation"}
"""A name of cp_measure that is another in CellProfiler, but for the channels."""


def measure_by_peer(
    labels: Array, images: Mapping[str, Array], *, channels: tuple[str, ...] | None = None
) -> pd.DataFrame:
    """Measure objects with cp_measure, with the settings of CPJUMP1.

    Parameters
    ----------
    labels : array of int
    images : mapping of str to array of uint16
    channels : tuple of str, optional
        Only these, for a shorter time.
    """
    names = sorted(images) if channels is None else sorted(channels)
    planes = {name: scale_image(images[name]) for name in names}
    dense = np.unique(labels, return_inverse=True)[1].reshape(labels.shape).astype(np.int32)
    found: dict[str, Array] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # empty directions, ties
        for name, values in (*_of_labels(dense), *_of_channels(dense, planes)):
            found[name] = np.asarray(values, dtype=float)
        for name, values in _of_pairs(dense, planes):
            found[name] = np.asarray(values, dtype=float)
    return pd.DataFrame(found)


def _of_labels(labels: Array) -> Iterator[tuple[str, Array]]:
    from cp_measure.bulk import get_core_measurements

    known = get_core_measurements(legacy=True)
    for group in ("sizeshape", "zernike", "feret"):
        for name, values in known[group](labels, None).items():
            yield f"AreaShape_{name}", values


def _of_channels(labels: Array, planes: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
    from cp_measure.bulk import get_core_measurements

    known = get_core_measurements(legacy=True)
    for channel, plane in planes.items():
        # In single precision it loses the last digits of where things are; others are meant so.
        for name, values in known["intensity"](labels, plane.astype(np.float64)).items():
            yield f"{name}_{channel}", values
        for name, values in known["radial_distribution"](labels, plane).items():
            start, _, ring = name.rpartition("_")
            yield f"{start}_{channel}_{ring}", values
        sampled = {"subsample_size": 0.5, "image_sample_size": 0.5}
        for name, values in known["granularity"](labels, plane, **sampled).items():
            yield f"{name}_{channel}", values
        for scale in (3, 5, 10):
            for name, values in known["texture"](labels, plane, scale=scale).items():
                feature, _, rest = name.partition("_")
                yield f"Texture_{feature}_{channel}_{rest}", values


def _of_pairs(labels: Array, planes: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
    from cp_measure.bulk import get_correlation_measurements
    from cp_measure.core.measurecolocalization import get_correlation_overlap

    known = get_correlation_measurements()
    for one, other in combinations(planes, 2):
        pair = planes[one], planes[other], labels
        measured = {
            **known["pearson"](*pair), **known["manders_fold"](*pair), **known["rwc"](*pair),
            **get_correlation_overlap(*pair),
        }  # fmt: skip
        for name, values in measured.items():
            start, _, order = name.rpartition("_")
            if order in ("1", "2"):
                told = f"{one}_{other}" if order == "1" else f"{other}_{one}"
                yield f"{start}_{told}", values
            else:
                yield f"{RENAMED.get(name, name)}_{one}_{other}", values
