"""Kernels against the same sums in plain NumPy; without compiling."""

from __future__ import annotations

from math import factorial
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from cellfolio.measurement import Objects
from cellfolio.measurement.colocalization import dense_ranks
from cellfolio.measurement.hulls import Hulls
from cellfolio.measurement.morphology import open_by_disk
from cellfolio.measurement.texture import DIRECTIONS, gray_levels, measure_texture
from cellfolio.measurement.zernike import ZERNIKES, measure_zernikes

Array = npt.NDArray[Any]


def two_objects() -> tuple[Objects, Array]:
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:20, :26]
    labels = np.where((y - 9) ** 2 + (x - 8) ** 2 / 2 < 30, 1, 0)
    labels[4:15, 17:25] = 2
    labels[7, 20] = 0
    return Objects.of(labels), rng.random(labels.shape).astype(np.float32)


def test_zernikes_are_sums_of_polynomials_over_pixels() -> None:
    objects, _ = two_objects()
    centers, radii = Hulls.of(objects).circles()
    found = measure_zernikes(objects, centers, radii)
    for number in range(len(objects)):
        y, x = np.nonzero(objects.labels == number + 1)
        y, x = (y - centers[number, 0]) / radii[number], (x - centers[number, 1]) / radii[number]
        r = np.hypot(y, x)
        within = y * y + x * x <= 1
        for n, m in ZERNIKES:
            radial = sum(
                (-1) ** k
                * factorial(n - k)
                / (factorial(k) * factorial((n + m) // 2 - k) * factorial((n - m) // 2 - k))
                * r ** (n - 2 * k)
                for k in range((n - m) // 2 + 1)
            )
            total = (radial * np.exp(1j * m * np.arctan2(x, y)))[within].sum()
            expected = abs(total) / (np.pi * radii[number] ** 2)
            assert found[f"Zernike_{n}_{m}"][number] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("values", [[0.5, 0.25, 0.5, 0.1], [65535, 3, 3, 0, 257]])
def test_ranks_are_dense(values: list[float]) -> None:
    given = np.array(values, dtype=np.float32)
    if given.max() > 1:
        given /= np.float32(65535)
    ranks, count = dense_ranks(given)
    numbers, expected = np.unique(given, return_inverse=True)
    assert ranks.tolist() == expected.tolist()
    assert count == len(numbers)


def test_textures_are_those_of_whole_matrices() -> None:
    objects, image = two_objects()
    grays = gray_levels(image).astype(int)
    found = measure_texture(objects, image, "C", scales=[2])
    for number in range(len(objects)):
        own = np.where(objects.labels == number + 1, grays, 0)
        for direction, (down, right) in enumerate(DIRECTIONS):
            pairs = np.zeros((256, 256))
            for y, x in zip(*np.nonzero(own), strict=True):
                to_y, to_x = y + 2 * down, x + 2 * right
                if to_y < 20 and 0 <= to_x < 26 and own[to_y, to_x]:
                    pairs[own[y, x], own[to_y, to_x]] += 1
            p = (pairs + pairs.T) / (2 * pairs.sum())
            i, j = np.indices(p.shape)
            used = p[p > 0]
            sums = np.bincount((i + j).ravel(), weights=p.ravel())
            mean = (i * p).sum()
            expected = {
                "AngularSecondMoment": (p**2).sum(),
                "Contrast": ((i - j) ** 2 * p).sum(),
                "Correlation": ((i * j * p).sum() - mean**2) / ((i**2 * p).sum() - mean**2),
                "Entropy": -(used * np.log2(used)).sum(),
                "InverseDifferenceMoment": (p / (1 + (i - j) ** 2)).sum(),
                "SumAverage": 2 * mean,
                "SumEntropy": -(sums[sums > 0] * np.log2(sums[sums > 0])).sum(),
                "SumVariance": (np.arange(511) ** 2 * sums).sum() - 4 * mean**2,
                "Variance": ((i - mean) ** 2 * p).sum(),
            }
            for name, value in expected.items():
                ours = found[f"Texture_{name}_C_2_{direction:02d}_256"][number]
                assert ours == pytest.approx(value, rel=1e-9), (name, direction)


@pytest.mark.parametrize("radius", [1, 3, 10])
def test_disks_are_opened_as_by_every_pixel_of_them(radius: int) -> None:
    image = np.random.default_rng(radius).random((17, 23)).astype(np.float32)
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    disk = np.argwhere(y * y + x * x <= radius * radius)

    def least(values: Array, beyond: float) -> Array:
        framed = np.pad(values, radius, constant_values=beyond)
        found: Array = np.min([framed[a : a + 17, b : b + 23] for a, b in disk], axis=0)
        return found

    expected = -least(-least(image, np.inf), np.inf)
    assert np.array_equal(open_by_disk(image, radius), expected)
