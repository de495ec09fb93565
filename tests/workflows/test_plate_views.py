"""What is shown of plates, on real data: which there are, values, profiles, pictures."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cellfolio.imaging.plate_colours import CategoryScale, NumberScale, scale_of
from cellfolio.registries.plates import Well, parse_well
from cellfolio.storage.home import Home
from cellfolio.workflows.opening import open_package
from cellfolio.workflows.plate_views import making as making_module
from cellfolio.workflows.plate_views.making import Making, Planes
from cellfolio.workflows.plate_views.pictures import (
    PictureOptions,
    one_site_each,
    plate_limits,
    plate_picture,
)
from cellfolio.workflows.plate_views.plates import Plates, channels_of
from cellfolio.workflows.plate_views.profiles import well_profile
from cellfolio.workflows.plate_views.replicates import find_replicates
from cellfolio.workflows.plate_views.thumbnails import ThumbnailStore, drop_oldest
from cellfolio.workflows.plate_views.values import (
    annotation_table,
    choose_column,
    column_names,
    controls_of,
    described,
    well_values,
)


def plates_of(folder: Path, home: Home) -> Plates:
    return Plates(open_package(str(folder), home).package, home, "", f"folder/{folder.name}")


def test_real_lincs_plate(shared: Path, home: Home) -> None:
    plates = plates_of(shared / "data" / "lincs_plate", home)
    (plate,) = plates.summaries
    (table,) = plate.tables
    assert (plate.name, table.kind) == ("SQ00015054", "wells")
    assert len(controls_of(plates, plate.name)) == 24
    found = well_values(plates, plate.name, "Nuclei_Texture_Variance_RNA_10_0")
    scale = scale_of(found.values)
    assert isinstance(scale, NumberScale)
    assert found.shape.size == 384
    frame = pd.read_csv(shared / "data" / "lincs_plate" / table.name)
    column = frame["Nuclei_Texture_Variance_RNA_10_0"]
    assert scale.highest == column.max()
    profile = well_profile(plates, plate.name, parse_well("C05"), table)
    assert profile is not None
    assert "24 wells" in profile.compared
    first = profile.differences[0]
    controls = frame[frame["Metadata_broad_sample"] == "DMSO"][first.feature]
    own = float(frame[frame["Metadata_Well"] == "C05"][first.feature].iloc[0])
    spread = 1.4826 * (controls - controls.median()).abs().median()
    assert first.z == pytest.approx((own - controls.median()) / spread)
    replicates = find_replicates(plates, None)
    assert replicates.column == "broad_sample"
    assert replicates.perturbation != "DMSO"


def test_real_pediatric_plates(shared: Path, home: Home) -> None:
    plates = plates_of(shared / "data" / "pediatric_atlas", home)
    names = [one.name for one in plates.summaries]
    assert names == ["BR00147001", "BR00147002", "BR00148751"]
    columns = column_names(plates, names[0])
    assert max(map(len, columns.values())) > 2_900
    assert choose_column(plates, names[0])[1] == "Metadata_cell_line"  # the condition is one
    found = well_values(plates, names[0], "Metadata_cell_line")
    assert isinstance(scale_of(found.values), CategoryScale)
    assert found.shape.size == 96
    assert len(found.values) == 58


def test_real_sites_on_their_plate_map(shared: Path, tmp_path: Path, home: Home) -> None:
    folder = tmp_path / "cpjump"
    images = folder / "images" / "BR00117010__2020-11-08T18_18_00-Measurement1" / "Images"
    images.mkdir(parents=True)
    for path in (shared / "data" / "cpjump1" / "example_images").glob("*/*.tiff"):
        (images / path.name).symlink_to(path)
    metadata = shared / "data" / "cpjump1" / "metadata"
    batch = "platemaps/2020_11_04_CPJUMP1"
    kept = [*(metadata / batch).rglob("*.*"), *(metadata / "external_metadata").glob("*.tsv")]
    for path in kept:
        place = folder / "metadata" / path.relative_to(metadata)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(path)
    plates = plates_of(folder, home)
    plate = plates.find("BR00117010")
    assert (plate.images, plate.wells) == (32, 4)
    told = annotation_table(plates, plate.name)
    assert told is not None
    named = {"N09": "AMG900", "D14": "DMSO", "A21": "dexamethasone"}
    for well, drug in named.items():
        assert described(told, parse_well(well))["pert_iname"] == drug
    sites = one_site_each(plates.sites(plate.name))
    assert len(sites) == 4
    assert len(channels_of(sites)) == 8
    store = ThumbnailStore(home)
    picture = plate_picture(plates, plate.name, store, PictureOptions(("DNA",)))
    assert set(map(str, picture.sites)) >= set(named)
    thumbnails = store.get(sites, ("DNA",), 64)["DNA"].planes
    assert thumbnails.shape == (4, 63, 63)
    dmso = next(at for at, one in enumerate(sites) if one.well == Well(4, 14))
    import tifffile

    pixels = tifffile.imread(images / "r04c14f05p01-ch5sk1fk1fl1.tiff")
    judge = pixels[: 17 * 63, : 17 * 63].reshape(63, 17, 63, 17).mean(axis=(1, 3))
    assert np.abs(thumbnails[dmso] - judge).max() <= 0.5
    limits = plate_limits(plates, plate.name, store, ("DNA", "ER"))
    assert limits["DNA"].low < limits["DNA"].high


def test_oldest_thumbnails_are_dropped_first(tmp_path: Path) -> None:
    (tmp_path / "aa").mkdir()
    for at, name in enumerate("abc"):
        path = tmp_path / "aa" / f"{name}.npz"
        path.write_bytes(b"x" * 100)
        os.utime(path, (at, at))
    drop_oldest(tmp_path, 250)
    assert sorted(path.name for path in tmp_path.glob("*/*")) == ["b.npz", "c.npz"]


def test_what_is_made_so_far_can_be_had_and_the_rest_follows() -> None:
    gate = threading.Event()
    kept: list[int] = []

    def read(at: int) -> Planes:
        if at != 0:
            gate.wait(20)
        return {"DNA": np.full((1, 1), at)}

    making = Making(2, read, lambda made: kept.append(len(made))).start()
    assert not making.wait(0.3)
    assert isinstance(making.made[0], dict)
    assert making.made[1] is None
    gate.set()
    assert making.wait(None)
    assert kept == [2]


def test_what_nobody_asks_about_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making_module, "FORGOTTEN", 0.05)
    kept: list[int] = []

    def read(at: int) -> Planes:
        time.sleep(0.05)
        return {}

    making = Making(200, read, lambda made: kept.append(len(made))).start()
    assert not making.wait(0)
    for _ in range(100):
        if making.left:
            break
        time.sleep(0.05)
    assert making.left
    assert not making.wait(None)
    assert not kept
