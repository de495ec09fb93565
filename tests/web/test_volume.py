"""Planes of volumes: numbers by HTTP, three planes and one cross-hair in a browser."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import httpx
import nibabel as nib
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from cellfolio.formats.format import Source
from cellfolio.formats.slices import cut, lay_out
from cellfolio.formats.volumes import read_nifti
from cellfolio.workflows import volumes
from tests.web.conftest import OpenPortal

SHAPE = (13, 17, 11)


def write(path: Path, *, turned: bool = False, slope: float = 1.0, times: int = 1) -> np.ndarray:
    rng = np.random.default_rng(0)
    shape = (*SHAPE, times) if times > 1 else SHAPE
    voxels = rng.integers(0, 1000, shape).astype(np.int16)
    affine = np.diag([0.05, 0.1, 0.2, 1.0])
    if turned:
        affine = np.array([[0, 0, 0.2, 1], [-0.05, 0, 0, 2], [0, 0.1, 0, 3], [0, 0, 0, 1.0]])
    image = nib.Nifti1Image(voxels, affine)
    image.header.set_xyzt_units("mm")
    if slope != 1:
        image.header.set_slope_inter(slope, 3)
    nib.save(image, path)
    return voxels


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "brain"
    found.mkdir()
    return found


def api(portal_url: str) -> str:
    return portal_url.partition("/package")[0].rstrip("/") + "/api"


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_slices_are_those_of_the_volume(
    open_portal: OpenPortal, client: httpx.Client, folder: Path, name: str, turned: bool
) -> None:
    write(folder / name, turned=turned)
    base = api(open_portal(folder).url)
    told = client.get(f"{base}/volume/folder/brain/{name}").json()
    assert told["state"] == "done"
    assert told["shape"] == list(SHAPE)
    assert [one["name"] for one in told["planes"]] == ["coronal", "sagittal", "horizontal"]
    volume = read_nifti(Source(folder / name, name))
    for plane in told["planes"]:
        shown = lay_out(volume, plane["name"])
        assert plane["axis"] == shown.axis
        for index in (0, told["shape"][plane["axis"]] - 1):
            query = {"plane": plane["name"], "index": index}
            answer = client.get(f"{base}/slice/folder/brain/{name}", params=query)
            found = np.frombuffer(answer.content, np.dtype(told["type"]).newbyteorder("<"))
            expected = cut(volume, plane["name"], index=index)
            np.testing.assert_array_equal(found.reshape(plane["shape"]), expected.data)
            assert answer.headers["x-position"] == expected.position


def test_scaled_numbers_and_times(
    open_portal: OpenPortal, client: httpx.Client, folder: Path
) -> None:
    voxels = write(folder / "a.nii.gz", slope=0.5, times=3)
    base = api(open_portal(folder).url)
    told = client.get(f"{base}/volume/folder/brain/a.nii.gz").json()
    assert (told["times"], told["type"]) == (3, "float32")
    answer = client.get(
        f"{base}/slice/folder/brain/a.nii.gz", params={"plane": "x", "index": 4, "time": 2}
    )
    np.testing.assert_allclose(
        np.frombuffer(answer.content, "<f4").reshape(SHAPE[1:]), voxels[4, :, :, 2] * 0.5 + 3
    )


def test_large_slices_are_thinned(
    open_portal: OpenPortal, client: httpx.Client, folder: Path
) -> None:
    voxels = np.arange(2100 * 3 * 2, dtype=np.int32).reshape(2100, 3, 2)
    nib.save(nib.Nifti1Image(voxels, np.eye(4)), folder / "long.nii")
    base = api(open_portal(folder).url)
    told = client.get(f"{base}/volume/folder/brain/long.nii").json()
    plane = next(one for one in told["planes"] if one["name"] == "coronal")
    assert plane["step"] == 3
    answer = client.get(
        f"{base}/slice/folder/brain/long.nii", params={"plane": "coronal", "index": 1}
    )
    found = np.frombuffer(answer.content, "<i4").reshape(plane["shape"])
    whole = cut(read_nifti(Source(folder / "long.nii", "long.nii")), "coronal", index=1).data
    np.testing.assert_array_equal(found, whole[::3, ::3])


def test_large_compressed_file_is_unpacked_once(
    open_portal: OpenPortal, client: httpx.Client, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(volumes, "IN_MEMORY", 100)
    voxels = write(folder / "a.nii.gz")
    base = api(open_portal(folder).url)
    told = client.get(f"{base}/volume/folder/brain/a.nii.gz").json()
    assert told["state"] in ("waiting", "working", "done")
    for _ in range(200):
        if told["state"] == "done":
            break
        told = client.get(f"{base}/volume/folder/brain/a.nii.gz").json()
    assert told["state"] == "done"
    answer = client.get(f"{base}/slice/folder/brain/a.nii.gz", params={"plane": "x", "index": 3})
    np.testing.assert_array_equal(
        np.frombuffer(answer.content, "<i2").reshape(SHAPE[1:]), voxels[3]
    )


def test_wrong_questions_and_broken_files(
    open_portal: OpenPortal, client: httpx.Client, folder: Path
) -> None:
    write(folder / "a.nii.gz")
    whole = gzip.decompress((folder / "a.nii.gz").read_bytes())
    (folder / "cut.nii").write_bytes(whole[:1500])
    (folder / "damaged.nii.gz").write_bytes((folder / "a.nii.gz").read_bytes()[:-40])
    (folder / "text.nii").write_bytes(b"not a volume")
    base = api(open_portal(folder).url)
    wrong: tuple[dict[str, str | int], ...] = (
        {"plane": "x", "index": 13},
        {"plane": "up"},
        {},
        {"plane": "x", "time": 4},
    )
    for query in wrong:
        answer = client.get(f"{base}/slice/folder/brain/a.nii.gz", params=query)
        assert answer.status_code == 400, query
    for name in ("cut.nii", "damaged.nii.gz", "text.nii"):
        answer = client.get(f"{base}/volume/folder/brain/{name}")
        assert answer.status_code == 422, name
        assert name in answer.json()["error"]


def test_cross_hair_links_the_planes(open_portal: OpenPortal, tab: Page, folder: Path) -> None:
    voxels = write(folder / "a.nii", turned=True)
    portal = open_portal(folder)
    tab.goto(f"{portal.url}/a.nii")
    expect(tab.locator("[data-volume]")).to_have_attribute("data-state", "ready")
    expect(tab.locator("[data-part=status]")).to_contain_text("13 × 17 × 11 voxels")
    readout = tab.locator("[data-part=readout]")
    expect(readout).to_contain_text(f"voxel 6, 8, 5 · value {voxels[6, 8, 5]}")
    canvas = tab.locator("section.plane canvas").first
    canvas.click(position={"x": 3, "y": 3})
    expect(tab).to_have_url(re.compile("at="))
    place = [int(one) for one in tab.evaluate(
        "new URLSearchParams(location.search).get('at')").split(",")]  # fmt: skip
    expect(readout).to_contain_text(f"value {voxels[tuple(place)]}".replace(",", ""))
    shown = lay_out(read_nifti(Source(folder / "a.nii", "a.nii")), "coronal")
    size = SHAPE[shown.down], SHAPE[shown.across]
    corner = [0 if not turned else length - 1 for turned, length in zip(
        (shown.down_turned, shown.across_turned), size, strict=True)]  # fmt: skip
    assert [place[shown.down], place[shown.across]] == corner
    canvas.press("PageUp")
    place[shown.axis] += 1
    expect(readout).to_contain_text(f"voxel {', '.join(map(str, place))}")
    tab.wait_for_timeout(300)
    tab.reload()
    expect(readout).to_contain_text(f"voxel {', '.join(map(str, place))}")


def test_failure_is_shown_in_place(open_portal: OpenPortal, tab: Page, folder: Path) -> None:
    (folder / "text.nii").write_bytes(b"not a volume")
    portal = open_portal(folder)
    other = tab.context.new_page()  # its console tells of the answer 422
    other.goto(f"{portal.url}/text.nii")
    expect(other.get_by_role("alert")).to_contain_text("text.nii")
