"""Costes' thresholds are those of the definition, and of cp_measure where it has CellProfiler's."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellfolio.errors import InvalidArgument
from cellfolio.measurement import CostesSettings, MeasurementSettings, Objects, measure_objects
from cellfolio.measurement.costes import METHODS, find_costes_thresholds, measure_costes
from cellfolio.measurement.measuring import scale_image
from tests.measurement.golden import read_site

Array = npt.NDArray[Any]


def stains(
    seed: int, sign: float = 1.0, count: int = 400, levels: int = 255
) -> tuple[Array, Array]:
    """Noise everywhere, and two stains that go together in a quarter of the pixels."""
    rng, count = np.random.default_rng(seed), 400
    stain = np.zeros(count)
    stain[: count // 4] = rng.uniform(0.2, 0.7, count // 4)
    noise = rng.uniform(0, 0.2, (2, count))
    other = stain if sign > 0 else 0.7 - stain
    both = np.stack([stain, other]) * rng.uniform(0.5, 1, (2, 1)) + noise
    one, second = np.rint(both.clip(0, 1) * levels) / levels
    return one.astype(np.float32), second.astype(np.float32)


def by_definition(one: Array, other: Array, steps: int, method: str) -> tuple[float, float]:
    """As CellProfiler does it: the correlation is computed from the pixels for each candidate."""
    x, y = one.astype(float), other.astype(float)
    stained = (x > 0) | (y > 0)
    spread, other_spread = np.var(x[stained]), np.var(y[stained])
    cross = np.cov(x[stained], y[stained], ddof=0)[0, 1]
    apart = other_spread - spread
    slope = (apart + np.sqrt(apart**2 + 4 * cross**2)) / (2 * cross)
    base = y[stained].mean() - slope * x[stained].mean()

    def below(candidate: float) -> tuple[int, float]:
        limit = np.float32(candidate / steps)
        second = np.float32(slope * candidate / steps + base)
        taken = (one < limit) | (other < second)
        if taken.sum() < 2 or not np.ptp(x[taken]) or not np.ptp(y[taken]):
            return int(taken.sum()), float("nan")
        return int(taken.sum()), float(np.corrcoef(x[taken], y[taken])[0, 1])

    if method == "faster":
        left, right, last, valid = 1.0, float(steps), 0.0, 1.0
        middle = (right - left) // (6 / 5) + left
        while last != middle:
            count, correlation = below(middle)
            if count <= 2 or correlation < 0:
                left = middle - 1
            elif correlation >= 0:
                right = valid = middle + 1
                valid = middle
            last = middle
            middle = (right - left) // (6 / 5 if right - left > 6 else 2) + left
        found = valid - 1
    else:
        candidate = max(x.max(), y.max()) // (1 / steps) + 1
        while candidate / steps > x.max() and slope * candidate / steps + base > y.max():
            candidate -= 1
        found = candidate
        while candidate > 1:
            found = candidate
            count, correlation = below(candidate)
            if count < 2 or correlation <= 0:
                break
            if method == "accurate" or candidate < 10:
                candidate -= 1
            else:
                candidate -= 10 if correlation > 0.45 else 5 if correlation > 0.35 else (
                    2 if correlation > 0.25 else 1
                )  # fmt: skip
    return found / steps, slope * found / steps + base


@settings(max_examples=25)
@given(
    st.integers(0, 1000),
    st.sampled_from(METHODS),
    st.sampled_from([1.0, -1.0]),
    st.sampled_from([10, 255]),
)
def test_thresholds_are_those_of_the_definition(
    seed: int, method: str, sign: float, levels: int
) -> None:
    one, other = stains(seed, sign, levels=levels)
    found = find_costes_thresholds(one, other, CostesSettings(method, 255))
    assert found == pytest.approx(by_definition(one, other, 255, method), rel=1e-9, abs=1e-12)


def test_shares_are_those_of_numpy() -> None:
    one, other = (image.reshape(20, 20) for image in stains(3))
    labels = np.repeat(np.repeat(np.arange(1, 5).reshape(2, 2), 10, 0), 10, 1)
    found = measure_costes(Objects.of(labels), {"B": other, "A": one}, CostesSettings("accurate"))
    limits = np.array(find_costes_thresholds(one, other, CostesSettings("accurate")), "f4")
    for number in range(1, 5):
        a, b = one[labels == number].astype(float), other[labels == number].astype(float)
        both = (a > limits[0]) & (b > limits[1])
        for values, limit, name in ((a, limits[0], "A_B"), (b, limits[1], "B_A")):
            whole = values[values >= limit].sum()
            expected = values[both].sum() / whole if whole else np.nan
            measured = found[f"Correlation_Costes_{name}"][number - 1]
            assert measured == pytest.approx(expected, nan_ok=True)


def test_it_is_measured_only_when_asked_for() -> None:
    image = (stains(1)[0].reshape(20, 20) * 255).astype(np.uint8)
    images = {"A": image, "B": image.T.copy()}
    labels = np.ones((20, 20), int)
    plain = measure_objects(labels, images, MeasurementSettings(("Correlation",)))
    more = measure_objects(
        labels, images, MeasurementSettings(("Correlation",), costes=CostesSettings())
    )
    new = set(more) - set(plain)
    assert new == {"Correlation_Costes_A_B", "Correlation_Costes_B_A"}


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("method", METHODS)
def test_channels_of_one_value_have_no_thresholds(value: float, method: str) -> None:
    flat = np.full((6, 6), value, np.float32)
    noise = stains(2)[0][:36].reshape(6, 6)
    for one, other in ((flat, noise), (noise, flat), (flat, flat)):
        assert np.isnan(find_costes_thresholds(one, other, CostesSettings(method))).all()
        found = measure_costes(Objects.of(np.ones((6, 6), int)), {"A": one, "B": other})
        assert np.isnan(list(found.values())).all()


def test_steps_are_those_of_the_type() -> None:
    byte, word = np.zeros((2, 2), np.uint8), np.zeros((2, 2), np.uint16)
    given = CostesSettings()
    assert given.for_images([byte]).steps == 255
    assert given.for_images([byte, word]).steps == 65535
    assert given.for_images([np.zeros((2, 2))]).steps == 255
    assert given.for_images([np.zeros((2, 2), np.uint32)]).steps == 65535
    assert CostesSettings(steps=100).for_images([word]).steps == 100
    for wrong in (1, 2**20):
        with pytest.raises(InvalidArgument, match="steps should be"):
            CostesSettings(steps=wrong)


@pytest.mark.slow
def test_real_thresholds_are_those_of_cp_measure(shared: Path) -> None:
    peer = pytest.importorskip("cp_measure.core.measurecolocalization")
    site = read_site(shared, "DMSO_r04c14f05")
    everything = np.ones((1080, 1080), int)
    for one, other in list(combinations(sorted(site.images), 2))[:3]:
        images = {name: scale_image(site.images[name]) for name in (one, other)}
        chosen = CostesSettings(steps=65535)
        limits = find_costes_thresholds(images[one], images[other], chosen)
        wide = (site.images[name].ravel() / 65535 for name in (one, other))
        expected = peer.bisection_costes(None, None, *wide, 65535, peer.M_FASTER)
        assert limits == pytest.approx(expected, rel=1e-6)
        found = measure_costes(Objects.of(everything), images, chosen)
        shares = peer.get_correlation_costes(site.images[one], site.images[other], everything)
        for ours, theirs in zip(found.values(), shares.values(), strict=True):
            assert ours[0] == pytest.approx(theirs[0], rel=1e-6)
