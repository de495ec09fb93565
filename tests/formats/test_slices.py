"""Slices by plane and position, against nibabel's canonical orientation."""

from __future__ import annotations

from itertools import permutations, product
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from cellfolio.errors import BrokenFile, InvalidArgument
from cellfolio.formats.loading import load
from cellfolio.formats.slices import cut
from cellfolio.formats.volumes import Volume

CODES = [
    "".join(pair[side] for pair, side in zip(order, sides, strict=True))
    for order in permutations(("RL", "AP", "SI"))
    for sides in product((0, 1), repeat=3)
]


def write(path: Path, code: str) -> Volume:
    """A volume of that orientation, whose voxels tell where they are."""
    data = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)
    affine = np.zeros((4, 4))
    for axis, letter in enumerate(code):
        world = next(n for n, one in enumerate(("RL", "AP", "SI")) if letter in one)
        affine[world, axis] = (0.5 + axis) * (1 if letter in "RAS" else -1)
    affine[:, 3] = (3, -7, 11, 1)
    nibabel.save(nibabel.Nifti1Image(data, affine), path)
    found = load(path)
    assert isinstance(found, Volume)
    assert found.orientation == code
    return found


@pytest.mark.parametrize("code", CODES)
def test_every_orientation_is_shown_upright(tmp_path: Path, code: str) -> None:
    volume = write(tmp_path / "a.nii", code)
    judge: Any = nibabel.as_closest_canonical(nibabel.load(tmp_path / "a.nii"))
    whole, affine = np.asarray(judge.dataobj), judge.affine
    for plane, axis in (("sagittal", 0), ("coronal", 1), ("horizontal", 2)):
        place = whole.shape[axis] // 2
        position = affine[axis, axis] * place + affine[axis, 3]
        shown = cut(volume, plane, at=float(position))
        expected = np.take(whole, place, axis=axis).T[::-1]  # up is S (or A)
        if plane == "sagittal":
            expected = expected[:, ::-1]  # anterior is left
        assert np.array_equal(shown.data, expected)
        letters = {"sagittal": "SIAP", "coronal": "SILR", "horizontal": "APLR"}[plane]
        assert "".join(shown.down.letters + shown.across.letters) == letters
        height = abs(shown.down.end - shown.down.start)
        rows = {"sagittal": 2, "coronal": 2, "horizontal": 1}[plane]
        assert height == pytest.approx(affine[rows, rows] * whole.shape[rows])
        towards = f"{-position}{'LPI'[axis]}"
        assert cut(volume, plane, at=towards).index == shown.index
        assert cut(volume, plane, index=shown.index).position == shown.position


def test_framework_positions_are_those_of_cells(tmp_path: Path) -> None:
    from tests.brain import brain_files

    path = tmp_path / "a.nii.gz"
    path.write_bytes(brain_files()["Allen-CCF-2020", "image_volumes", "annotation_25"])
    volume = load(path)
    assert volume.orientation == "PIR"
    assert (cut(volume, at="5.4P").index, cut(volume, at=-5.4).index) == (27, 27)
    shown = cut(volume, at="5.4 mm p")
    assert (shown.across.positive, shown.down.positive) == ("R", "I")
    assert shown.across.start == pytest.approx(-0.1)
    with pytest.raises(InvalidArgument, match=r"54P mm is outside .* 0 mm P to 13 mm P"):
        cut(volume, at="54P")
    with pytest.raises(InvalidArgument, match="cut across P and A, and '3L' leads to L"):
        cut(volume, at="3L")
    with pytest.raises(InvalidArgument, match="'front' is no position"):
        cut(volume, at="front")
    with pytest.raises(InvalidArgument, match="no plane 'oblique'"):
        cut(volume, "oblique")
    with pytest.raises(InvalidArgument, match="coronal slices are 0 to 65, found 66"):
        cut(volume, index=66)
    assert cut(volume, "x", index=-1).index == 65


def test_real_volumes(shared: Path) -> None:
    for path in sorted((shared / "data/misc/nifti").glob("*.nii*")):
        volume = load(path)
        judge: Any = nibabel.as_closest_canonical(nibabel.load(path))
        whole = np.asarray(judge.dataobj)
        if whole.ndim == 4:
            with pytest.raises(InvalidArgument, match="fourth axis are 0 to 1, found 2"):
                cut(volume, "axial", time=2)
            shown = cut(volume, "axial", index=3, time=1)
            assert np.array_equal(shown.data, whole[:, :, 3, 1].T[::-1])
        else:
            assert np.array_equal(cut(volume, "axial", index=3).data, whole[:, :, 3].T[::-1])
        assert volume.notes == ()


def _changed(path: Path, change: Any) -> Volume:
    write(path, "RAS")
    data = bytearray(path.read_bytes())
    header = nibabel.Nifti1Header(bytes(data[:348]))
    change(header)
    data[:348] = header.binaryblock
    path.write_bytes(bytes(data))
    found = load(path)
    assert isinstance(found, Volume)
    return found


def test_what_the_file_does_not_tell_is_said(tmp_path: Path) -> None:
    def lost(header: Any) -> None:
        header["sform_code"] = header["qform_code"] = 0

    volume = _changed(tmp_path / "a.nii", lost)
    assert volume.orientation == "???"
    assert "not told (no sform, no qform)" in " ".join(volume.notes)
    with pytest.raises(InvalidArgument, match="coronal is unknown"):
        cut(volume, "coronal")
    shown = cut(volume, "z", at=5)
    assert (shown.index, shown.position) == (2, "5 mm")
    assert (shown.down.letters, shown.data.shape) == (("?", "?"), (5, 4))

    def flat(header: Any) -> None:
        header["pixdim"][2] = 0
        header["xyzt_units"] = 0

    volume = _changed(tmp_path / "b.nii", flat)
    assert list(volume.spacing) == [0.5, 1, 2.5]
    assert volume.notes == (
        "the unit of its spacing is not told; mm are taken",
        "the spacing along y is 0 in the file; 1 is taken",
    )
    nibabel.save(nibabel.Nifti1Image(np.zeros((3, 4), np.int16), np.eye(4)), tmp_path / "c.nii")
    with pytest.raises(BrokenFile, match="expected at least 3 axes, found 2"):
        load(tmp_path / "c.nii")
