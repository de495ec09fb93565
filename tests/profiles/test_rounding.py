"""Five digits: what a value becomes when it is written as ``%.5g`` and read again."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cellfolio.errors import InvalidArgument
from cellfolio.profiles import round_significant
from cellfolio.profiles.rounding import round_values

NUMBERS = st.one_of(
    st.floats(),  # all of them: NaN, infinite, subnormal, -0.0
    st.builds(  # ties and their neighbours, at every size
        lambda whole, power, step: float(
            np.nextafter(float(f"{whole}.5e{power}"), np.inf * step)
            if step
            else f"{whole}.5e{power}"
        ),
        st.integers(-99_999, 99_999),
        st.integers(-40, 40),
        st.integers(-1, 1),
    ),
    st.builds(lambda whole, power: float(f"{whole}e{power}"), st.integers(), st.integers(-30, 30)),
)


@given(values=st.lists(NUMBERS, min_size=1, max_size=20), digits=st.integers(1, 15))
@example(values=[1e22, 1e23, 9.99995e22, -1e22, 99999.5, 999995.0, 0.5, 2.5, 1e-5], digits=5)
@example(values=[5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, -0.0], digits=5)
@example(values=[1.00005, 1.00015, 1.00025, 1.000049999999999, 12345.5, 12346.5], digits=5)
def test_rounding_is_that_of_text(values: list[float], digits: int) -> None:
    found = round_values(np.array([values]), digits)[0]
    wanted = np.array([float(f"{value:.{digits}g}") for value in values])
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(np.signbit(found), np.signbit(wanted))


def test_a_table_is_what_pandas_reads_again() -> None:
    rng = np.random.default_rng(2)
    table = pd.DataFrame(
        {"Metadata_dose": [0.123456789] * 50, "Cells_A": rng.normal(size=50) * 1e4}
    )
    table["Nuclei_B"] = 10 ** rng.uniform(-30, 30, 50)
    found = round_significant(table)
    lines = [float(f"{value:.5g}") for value in table["Nuclei_B"]]
    assert found["Nuclei_B"].tolist() == lines
    assert found["Metadata_dose"].tolist() == table["Metadata_dose"].tolist()
    pd.testing.assert_frame_equal(round_significant(found), found)


@pytest.mark.parametrize("digits", [0, 16])
def test_digits_that_text_does_not_have(digits: int) -> None:
    with pytest.raises(InvalidArgument, match="from 1 to 15"):
        round_significant(pd.DataFrame({"Cells_A": [1.0]}), digits)
