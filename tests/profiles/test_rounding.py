"""Rounding is what text does."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cellfolio.errors import InvalidArgument
from cellfolio.profiles import round_significant
from cellfolio.profiles.rounding import round_values

TIES = st.builds(
    lambda whole, power, step: (
        float(np.nextafter(float(f"{whole}.5e{power}"), np.inf * step))
        if step
        else float(f"{whole}.5e{power}")
    ),
    st.integers(-99_999, 99_999),
    st.integers(-40, 40),
    st.integers(-1, 1),
)
"""Values between two texts, and their neighbours."""
VALUES = st.one_of(st.floats(), st.floats(-1e6, 1e6), st.floats(-1, 1), TIES)


@given(arrays(np.float64, (2, 7), elements=VALUES), st.integers(1, 15))
@example(np.array([[0.999995, 99999.5, 1e22, 1e-300, 5e-324, -0.0, 123455.0]] * 2), 5)
def test_rounded_is_what_text_gives(values: np.ndarray, digits: int) -> None:
    before = values.copy()
    wanted = [[float(f"{value:.{digits}g}") for value in row] for row in values]
    np.testing.assert_array_equal(round_values(values, digits), wanted)
    np.testing.assert_array_equal(values, before)


def test_metadata_stay_and_nonsense_is_refused() -> None:
    table = pd.DataFrame({"Metadata_dose": [0.123456789], "Cells_A": [0.123456789]})
    found = round_significant(table)
    assert found.iloc[0].tolist() == [0.123456789, 0.12346]
    with pytest.raises(InvalidArgument, match="digits should be from 1 to 15"):
        round_significant(table, 0)
