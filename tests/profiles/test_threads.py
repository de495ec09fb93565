"""How many threads linear algebra may have changes neither results nor the rest of the process."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from threadpoolctl import threadpool_info, threadpool_limits

from cellfolio.profiles import (
    CorrelationThreshold,
    Modz,
    Spherize,
    consensus,
    embed,
    feature_select,
    normalize,
)
from cellfolio.profiles.threads import one_thread


def test_threads_are_as_before_afterwards() -> None:
    @one_thread
    def fail() -> None:
        assert _threads() == {1}
        raise ValueError

    with threadpool_limits(2, user_api="blas"):
        try:
            fail()
        except ValueError:
            assert _threads() == {2}


def test_any_number_of_threads_gives_the_same_bytes() -> None:
    rng = np.random.default_rng(5)
    values = rng.normal(size=(96, 20)) @ rng.normal(size=(20, 700)) + rng.normal(size=(96, 700))
    table = pd.DataFrame(values, columns=[f"Cells_{at}" for at in range(700)])
    table.insert(0, "drug", np.arange(96) % 3)
    found = []
    for count in (1, 2):
        with threadpool_limits(count, user_api="blas"):
            made = [
                normalize(table, Spherize()),
                consensus(table, "drug", Modz()),
                feature_select(table, [CorrelationThreshold(0.6)]).profiles,
            ]
            found.append([_bytes(one.to_numpy(np.float64)) for one in made])
            found[-1].append(_bytes(embed(table).places))
    assert found[0] == found[1]


def _bytes(values: npt.NDArray[np.float64]) -> bytes:
    return values.tobytes()


def _threads() -> set[int]:
    return {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}
