"""Networks of PyTorch, and the named one on a real site; they need the extra `deep`."""

from __future__ import annotations

import io
import json
import os
import pickle
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

import cellfolio
from cellfolio.errors import BrokenFile, InvalidArgument, UnknownFormat
from cellfolio.measurement import CropSettings, Presentation
from cellfolio.profiles import Standardize, normalize
from cellfolio.workflows.featurizing.making import FeaturizeOptions
from cellfolio.workflows.featurizing.networks import NetworkChoice, load_network
from cellfolio.workflows.featurizing.running import featurize_plates
from cellfolio.workflows.measuring.running import MeasureInputs
from tests.workflows.networks import convolved, filters, write_plate

torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra deep)")
pytest.importorskip("efficientnet_lite_pytorch", reason="efficientnet-lite is not installed")
pytestmark = [
    pytest.mark.slow,
    # Of how the network's package is written.
    pytest.mark.filterwarnings("ignore::SyntaxWarning"),
]

Array = npt.NDArray[Any]


def scripted() -> bytes:
    """The network of `convolved`, as TorchScript."""
    layer = torch.nn.Conv2d(3, 3, 3, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(filters()))
    module = torch.nn.Sequential(layer, torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    made = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(torch.jit.trace(module, torch.zeros(1, 3, 8, 8)), made)
    return made.getvalue()


def saved(value: Any, **how: Any) -> bytes:
    made = io.BytesIO()
    torch.save(value, made, **how)
    return made.getvalue()


def pictures(count: int, size: int = 64) -> npt.NDArray[np.float32]:
    return np.random.default_rng(0).normal(size=(count, 3, size, size)).astype(np.float32)


def test_torchscript_is_run(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    path.write_bytes(scripted())
    network = load_network(path)
    assert (network.name, network.format, network.device) == ("net", "TorchScript", "cpu")
    found = network.embed(pictures(5, 9))
    np.testing.assert_allclose(found, convolved(pictures(5, 9)), rtol=1e-4, atol=1e-5)
    with pytest.raises(InvalidArgument, match=r"cannot be run on images of shape \(2, 5, 9, 9\)"):
        network.embed(np.zeros((2, 5, 9, 9), np.float32))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises((BrokenFile, UnknownFormat)):
        load_network(path)


class Hostile:
    """Its pickle runs a program when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("form", ["zip", "old", "plain"])
def test_weights_that_are_a_program_are_refused_and_not_run(tmp_path: Path, form: str) -> None:
    bad = {"_fc.bias": Hostile(tmp_path / "it-was-run")}
    data = {
        "zip": lambda: saved(bad),
        "old": lambda: saved(bad, _use_new_zipfile_serialization=False),
        "plain": lambda: pickle.dumps(bad),
    }[form]()
    (tmp_path / "net.pth").write_bytes(data)
    with pytest.raises(BrokenFile, match="it holds more than tensors, or is damaged") as caught:
        load_network(tmp_path / "net.pth")
    assert "state_dict" in caught.value.hint
    assert not (tmp_path / "it-was-run").exists()


def test_weights_of_another_network_are_told(tmp_path: Path) -> None:
    for weights in ({"a": torch.zeros(2)}, [torch.zeros(2)], torch.zeros(2)):
        (tmp_path / "net.pth").write_bytes(saved(weights))
        with pytest.raises(InvalidArgument, match="has not the weights of efficientnet-lite0"):
            load_network(tmp_path / "net.pth")


def test_ones_own_weights_are_taken(tmp_path: Path) -> None:
    from efficientnet_lite_pytorch import EfficientNet

    torch.manual_seed(1)
    module = EfficientNet.from_name("efficientnet-lite0")
    (tmp_path / "mine.pth").write_bytes(saved(module.state_dict()))
    network = load_network(tmp_path / "mine.pth")
    assert (network.name, network.format) == ("mine", "weights")
    module.eval()
    with torch.inference_mode():
        expected = module.extract_features(torch.from_numpy(pictures(2, 224)))
    found = network.embed(pictures(2, 224))
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-4, atol=1e-6 * found.max())


def test_features_do_not_depend_on_neighbours_or_threads() -> None:
    network = load_network()
    assert str(network.digest).startswith("SHA256:57934424")
    shown = pictures(12)
    found = network.embed(shown)
    assert found.shape[:2] == (12, 1280)
    order = np.random.default_rng(1).permutation(12)
    np.testing.assert_array_equal(network.embed(shown[order]), found[order])
    before = torch.get_num_threads()
    threaded = load_network(NetworkChoice(threads=2)).embed(shown)
    assert torch.get_num_threads() == before
    np.testing.assert_allclose(threaded, found, rtol=1e-4, atol=1e-4)
    one_by_one = np.concatenate([network.embed(one[None]) for one in shown])
    np.testing.assert_allclose(one_by_one, found, rtol=1e-4, atol=1e-4)


def test_workers_give_the_same_bytes(tmp_path: Path) -> None:
    plate = write_plate(tmp_path / "plate")
    inputs = MeasureInputs(plate / "images", labels=plate / "labels")
    options = FeaturizeOptions(crops=CropSettings(32), presentation=Presentation(batch=2))
    for workers in (1, 2):
        run = featurize_plates(inputs, tmp_path / str(workers), options, workers=workers)
        assert (run.failed, run.features) == ((), 2 * 1280)
    for path in (tmp_path / "1/P1").iterdir():
        assert path.read_bytes() == (tmp_path / "2/P1" / path.name).read_bytes()


# A real site


@pytest.fixture(scope="module")
def deep(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Features of the two sites of CPJUMP1 whose cells CellProfiler found."""
    output = tmp_path_factory.mktemp("deep")
    inputs = MeasureInputs(
        shared / "data/cpjump1/example_images",
        labels=shared / "data/cellprofiler_golden",
        plate="BR00116991",
        select={"well": "D14,A21"},
    )
    run = featurize_plates(inputs, output, replace(FeaturizeOptions(), crops=CropSettings(96)))
    assert (run.failed, run.cells, run.features) == ((), 98 + 72, 5 * 1280)
    assert run.channels == ("AGP", "DNA", "ER", "Mito", "RNA")
    return output


def test_real_cells_have_features_of_all_channels(shared: Path, deep: Path) -> None:
    table = pd.read_parquet(deep / "BR00116991/D14_5.parquet")
    nuclei = pd.read_parquet(shared / "data/cellprofiler_golden/DMSO_r04c14f05/Nuclei.parquet")
    assert table["Metadata_ObjectNumber"].tolist() == nuclei["Number_Object_Number"].tolist()
    for axis in "XY":
        np.testing.assert_allclose(
            table[f"Metadata_Location_Center_{axis}"], nuclei[f"Location_Center_{axis}"]
        )
    features = table.filter(like="efficientnet_lite0_")
    assert features.shape == (98, 6400)
    for channel in range(5):
        part = features.iloc[:, 1280 * channel : 1280 * (channel + 1)]
        assert (part.std() > 0).sum() > 1000
    told = json.loads((deep / "featurized.json").read_text())
    assert told["plates"] == {"BR00116991": {"sites": 2, "cells": 170, "failed": {}}}


def test_cells_of_a_treatment_look_alike(deep: Path) -> None:
    """Of the five cells that look most alike, most were treated in the same way."""
    paths = sorted((deep / "BR00116991").glob("*.parquet"))
    cells = pd.concat(map(pd.read_parquet, paths), ignore_index=True)
    scaled = normalize(cells, Standardize())
    values = np.nan_to_num(scaled.filter(like="efficientnet").to_numpy(float))
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    alike = values @ values.T
    np.fill_diagonal(alike, -np.inf)
    nearest = np.argsort(-alike, axis=1)[:, :5]
    wells = cells["Metadata_Well"].to_numpy()
    votes = (wells[nearest] == wells[:, None]).mean(axis=1) > 0.5
    assert votes.mean() > 0.85  # by chance 0.58
    profiles = cellfolio.aggregate_cells(cellfolio.open_cells(deep))
    assert profiles.shape == (2, 2 + 6400)
