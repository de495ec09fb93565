"""Damaged files of every format: what they hold is read, or it is told what is wrong with them.

HDF5 (`.h5ad`, `.gctx`) is left out: its library does not survive every damage.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cellfolio.errors import CellfolioError
from cellfolio.formats.images.opening import open_image
from cellfolio.formats.images.writing import write_ome_tiff
from cellfolio.formats.loading import load
from tests.formats.samples import SAMPLES, Sample, content
from tests.mutation import edited, edits

pytestmark = pytest.mark.slow
TRIED = [one for one in SAMPLES if not one.name.endswith((".h5ad", ".gctx"))]
LARGE = b"\xff\xff\xff\x7f"
LONG = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.mark.parametrize("sample", TRIED, ids=lambda sample: sample.name)
@given(data=st.data())
@LONG
def test_damaged_file_is_read_or_refused(
    sample: Sample, tmp_path: Path, data: st.DataObject
) -> None:
    whole, damaged = tmp_path / sample.name, tmp_path / "damaged" / sample.name
    if not whole.exists():
        sample.write(whole)
        damaged.parent.mkdir()
    damaged.write_bytes(edited(whole.read_bytes(), data.draw(edits(LARGE))))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            content(load(damaged))
        except CellfolioError:
            return


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An OME-TIFF of two channels and two planes."""
    path = tmp_path_factory.mktemp("stack") / "stack.ome.tiff"
    pixels = np.arange(2 * 2 * 24 * 16, dtype=np.uint16).reshape(2, 2, 24, 16)
    write_ome_tiff(path, pixels, "CZYX", channels=("DNA", "ER"))
    return path.read_bytes()


@given(data=st.data())
@settings(LONG, max_examples=400)
def test_damaged_image_is_read_or_refused(
    stack: bytes, tmp_path: Path, data: st.DataObject
) -> None:
    """Tags of the TIFF and XML of OME alike."""
    found = edits(LARGE, b'SizeC="9"', b"<Pixels", b"</OME>", b"XYCZT", b"float")
    path = tmp_path / "damaged.ome.tiff"
    path.write_bytes(edited(stack, data.draw(found)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            open_image(path).read()
        except CellfolioError:
            return
