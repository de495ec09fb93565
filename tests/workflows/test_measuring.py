"""Measuring plates: what is found, written, left as it is, and recorded as failed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import tifffile

import cellfolio
from cellfolio import MeasureInputs, MeasureOptions, Shard, measure_plates, plan_measurement
from cellfolio.errors import InvalidArgument, NotFound, StoreError
from cellfolio.measurement import MeasurementSettings, measure_objects
from cellfolio.measurement.site import SiteSettings
from cellfolio.storage.home import Home
from cellfolio.workflows.measuring.running import MeasuredRun
from cellfolio.workflows.processes import alone_in
from tests.plates import SITES, draw_site, image_path, write_plate

FEW = MeasureOptions(SiteSettings(MeasurementSettings(groups=("Intensity",))))
KEYS = ["Metadata_Plate", "Metadata_Well", "Metadata_Site"]


@pytest.fixture
def plate(tmp_path: Path) -> Path:
    return write_plate(tmp_path / "plate")


def inputs(plate: Path, **more: object) -> MeasureInputs:
    return MeasureInputs(plate / "images", labels=plate / "labels", **more)  # type: ignore[arg-type]


def measure(
    plate: Path, output: Path, options: MeasureOptions = FEW, **more: object
) -> MeasuredRun:
    return measure_plates(inputs(plate), output, options, workers=1, **more)  # type: ignore[arg-type]


def contents(folder: Path, *parts: str) -> dict[str, bytes]:
    """Return the bytes of all files of tables, by path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for part in parts or ("cells", "images", "labels")
        for path in sorted((folder / part).rglob("*"))
        if path.is_file()
    }


# What is written


def test_cells_are_those_of_the_labels(plate: Path, tmp_path: Path) -> None:
    run = measure(plate, tmp_path / "out")
    assert [(one.plate, one.well, one.site) for one in run.records] == [("P1", *s) for s in SITES]
    assert run.made == 4
    assert not run.failed
    for seed, (well, site) in enumerate(SITES):
        cells = pd.read_parquet(tmp_path / f"out/cells/P1/{well}_{site}.parquet")
        drawn = draw_site(seed)
        assert (cells[KEYS] == ["P1", well, site]).all(axis=None)
        found = measure_objects(drawn["nuclei"], {"DNA": drawn["DNA"]}, FEW.site.features)
        for name in ("MeanIntensity", "StdIntensity", "MassDisplacement"):
            column = f"Intensity_{name}_DNA"
            np.testing.assert_array_equal(cells[f"Nuclei_{column}"], found[column])
        assert cells["Metadata_ObjectNumber"].tolist() == list(range(1, 3 + seed % 2))
        assert (cells["Metadata_Cytoplasm_Parent_Cells"] == cells["Metadata_ObjectNumber"]).all()


def test_images_have_a_row_each(plate: Path, tmp_path: Path) -> None:
    measure(plate, tmp_path / "out")
    table = pd.read_csv(tmp_path / "out/images/P1.csv.gz")
    assert list(table[KEYS].itertuples(index=False, name=None)) == [("P1", *one) for one in SITES]
    assert table["Count_Cells"].tolist() == [2, 3, 2, 3]
    assert table["Metadata_ImageNumber"].is_unique
    assert table["Metadata_Problem"].isna().all()
    assert table["FileName_OrigDNA"].tolist()[0] == "r01c01f01p01-ch5sk1fk1fl1.tiff"
    cells = pd.read_parquet(tmp_path / "out/cells")
    assert set(cells["Metadata_ImageNumber"]) == set(table["Metadata_ImageNumber"])


def test_tables_tell_what_they_were_made_of(plate: Path, tmp_path: Path) -> None:
    measure(plate, tmp_path / "out")
    told = pq.read_metadata(tmp_path / "out/cells/P1/A01_1.parquet").metadata[b"cellfolio"]
    document = json.loads(told)
    key = f"{image_path(plate, 'A01', 1, 'DNA').relative_to(plate / 'images').as_posix()}"
    digest = document["inputs"][key]
    assert digest.startswith("SHA256:")
    assert len(digest) == 71
    assert "labels:P1/A01_1_nuclei.tiff" in document["inputs"]
    assert document["settings"]["site"]["features"]["groups"] == ["Intensity"]
    assert str(plate) not in told.decode()


def test_cells_become_profiles(plate: Path, tmp_path: Path) -> None:
    measure(plate, tmp_path / "out")
    wells = cellfolio.aggregate_cells(cellfolio.open_cells(tmp_path / "out"), count_objects=True)
    assert wells["Metadata_Well"].tolist() == ["A01", "B02"]
    assert wells["Metadata_Object_Count"].tolist() == [5, 5]
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('[input]\ncells = "out/cells/{plate}"\n\n[aggregate]\nmethod = "median"\n')
    run = cellfolio.run_recipe(cellfolio.read_recipe(recipe), tmp_path / "profiles", workers=1)
    assert not run.failed
    made = pd.read_parquet(tmp_path / "profiles/P1/P1.parquet")
    column = "Cells_Intensity_MeanIntensity_RNA"
    np.testing.assert_array_equal(made[column], wells[column])


def test_float32_takes_half_of_the_room(plate: Path, tmp_path: Path) -> None:
    measure(plate, tmp_path / "whole")
    measure(plate, tmp_path / "half", MeasureOptions(FEW.site, decimals="float32"))
    whole, half = (pd.read_parquet(tmp_path / name / "cells") for name in ("whole", "half"))
    features = [name for name in whole if "_Intensity_" in str(name)]
    assert (half[features].dtypes == np.float32).all()
    pd.testing.assert_frame_equal(whole[features].astype(np.float32), half[features])


def test_pictures_and_labels_on_request(plate: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    measure(plate, out)
    assert not (out / "labels").exists()
    assert not (out / "outlines").exists()
    options = MeasureOptions(FEW.site, outlines=True, labels=True)
    assert measure(plate, out, options).made == 4
    assert measure(plate, out, options).made == 0
    cells = tifffile.imread(out / "labels/P1/A01_2_cells.tiff")
    np.testing.assert_array_equal(cells > 0, draw_site(1)["cells"] > 0)
    assert (out / "outlines/P1/B02_1.png").stat().st_size > 1000
    again = MeasureInputs(plate / "images", labels=out / "labels")
    measure_plates(again, tmp_path / "again", FEW, workers=1)
    old, new = (pd.read_parquet(one / "cells") for one in (out, tmp_path / "again"))
    pd.testing.assert_frame_equal(old, new)


def test_sites_are_segmented_without_labels(plate: Path, tmp_path: Path) -> None:
    only = MeasureInputs(plate / "images", select={"well": "A01", "site": "2"})
    run = measure_plates(only, tmp_path / "out", FEW, workers=1)
    assert not run.failed
    assert [(one.well, one.site) for one in run.records] == [("A01", 2)]
    assert len(pd.read_parquet(tmp_path / "out/cells/P1/A01_2.parquet")) == run.records[0].cells


# Again, in parts, at once


def test_finished_sites_are_left_as_they_are(plate: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    measure(plate, out)
    before = {path: path.stat().st_mtime_ns for path in (out / "cells").rglob("*.parquet")}
    assert measure(plate, out).made == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_what_changed_is_measured_again(plate: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    measure(plate, out)
    path = image_path(plate, "A01", 2, "RNA")
    tifffile.imwrite(path, tifffile.imread(path) // 2)
    (out / "cells/P1/B02_1.parquet").write_bytes(b"PAR1")
    (out / "records/P1/B02_2.json").unlink()
    plan = plan_measurement(inputs(plate), out, FEW)
    assert [why for _, why in plan.waiting] == [
        f"{path.relative_to(plate / 'images').as_posix()} changed",
        "B02_1.parquet was changed after it was made",
        "it was not measured yet",
    ]
    assert measure(plate, out).made == 3
    other = MeasureOptions(SiteSettings(MeasurementSettings(groups=("AreaShape",))))
    assert {why for _, why in plan_measurement(inputs(plate), out, other).waiting} == {
        "the settings changed"
    }


def test_moved_folders_are_not_measured_again(plate: Path, tmp_path: Path) -> None:
    measure(plate, tmp_path / "out")
    moved = tmp_path / "elsewhere"
    shutil.move(plate, moved)
    assert measure(moved, tmp_path / "out").made == 0


def test_any_number_of_workers_gives_the_same_bytes(plate: Path, tmp_path: Path) -> None:
    measure(plate, tmp_path / "one")
    run = measure_plates(inputs(plate), tmp_path / "two", FEW, workers=2)
    assert run.made == 4
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_shards_are_the_whole_and_missing_ones_are_named(plate: Path, tmp_path: Path) -> None:
    measure(plate, tmp_path / "whole")
    out = tmp_path / "parts"
    first = measure(plate, out, shard=Shard(1, 3))
    assert [(one.well, one.site) for one in first.records] == [("A01", 1), ("B02", 2)]
    measure(plate, out, shard=Shard(3, 3))
    assert not (out / "images").exists()
    plan = plan_measurement(inputs(plate), out, FEW)
    assert plan.missing_shards == (Shard(2, 3),)
    assert [site for site, _ in plan.waiting] == ["P1 A01 site 2"]
    last = measure(plate, out)
    assert last.made == 1
    assert last.missing_shards == (Shard(2, 3),)
    assert contents(tmp_path / "whole") == contents(out)
    assert plan_measurement(inputs(plate), out, FEW).missing_shards == ()


def test_killed_run_leaves_no_half_file_and_goes_on(plate: Path, tmp_path: Path) -> None:
    measure(plate, tmp_path / "whole")
    out = tmp_path / "killed"
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from tests.workflows.test_measuring import measure\n"
        "measure(Path(sys.argv[1]), Path(sys.argv[2]))\n"
    )
    done = subprocess.Popen([sys.executable, "-c", code, str(plate), str(out)])
    deadline = time.monotonic() + 60
    while done.poll() is None and time.monotonic() < deadline:
        if list(out.rglob("records/P1/*.json")):
            break
        time.sleep(0.001)
    done.kill()
    done.wait()
    for path in out.rglob("cells/P1/[A-Z]*.parquet"):
        assert path.read_bytes() == (tmp_path / "whole/cells/P1" / path.name).read_bytes()
    assert measure(plate, out).made <= 3
    assert contents(tmp_path / "whole", "images") == contents(out, "images")


def test_two_runs_do_not_share_a_folder(plate: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with alone_in(tmp_path / "out"), pytest.raises(StoreError, match="another run is at work"):
        measure(plate, tmp_path / "out")


# What goes wrong


def break_site(plate: Path, how: str) -> str:
    """Break the image of one channel of A01, site 2; return what is told of it."""
    path = image_path(plate, "A01", 2, "RNA")
    pixels = tifffile.imread(path)
    if how == "cut":
        path.write_bytes(path.read_bytes()[:900])
        return "A01_2|cannot be read|bytes"
    if how == "missing":
        path.unlink()
        return "no image of RNA"
    if how == "empty":
        path.write_bytes(b"")
        return "TIFF"
    if how == "smaller":
        tifffile.imwrite(path, pixels[:-1])
        return "should have the shape"
    if how == "stack":
        tifffile.imwrite(path, np.stack([pixels, pixels]), photometric="minisblack")
        return "expected one plane"
    if how == "missing values":
        odd = (pixels / 65535).astype(np.float32)
        odd[3, 4] = np.nan
        tifffile.imwrite(path, odd)
        return "found missing values"
    tifffile.imwrite(path, pixels.astype(np.float32))
    return "values from 0 to 1"


@pytest.mark.parametrize(
    "how", ["cut", "missing", "empty", "smaller", "stack", "missing values", "out of range"]
)
def test_a_bad_site_is_recorded_and_the_others_go_on(plate: Path, tmp_path: Path, how: str) -> None:
    out = tmp_path / "out"
    measure(plate, out)
    good = contents(out, "cells")
    told = break_site(plate, how)
    run = measure(plate, out)
    assert [(one.well, one.site) for one in run.failed] == [("A01", 2)]
    assert run.failed[0].failure is not None
    assert any(word in run.failed[0].failure.message for word in told.split("|"))
    stale = good.pop("cells/P1/A01_2.parquet")
    assert contents(out, "cells") == good
    assert stale
    table = pd.read_csv(out / "images/P1.csv.gz")
    assert table["Metadata_Problem"].notna().tolist() == [False, True, False, False]
    assert json.loads((out / "measured.json").read_text())["plates"]["P1"]["failed"]
    write_plate(tmp_path / "anew")
    shutil.copy(image_path(tmp_path / "anew", "A01", 2, "RNA"), image_path(plate, "A01", 2, "RNA"))
    assert not measure(plate, out).failed
    assert contents(out, "cells")["cells/P1/A01_2.parquet"] == stale


@pytest.mark.parametrize("kind", ["black", "white", "8 bits", "32 bits", "decimals"])
def test_odd_images_are_measured(plate: Path, tmp_path: Path, kind: str) -> None:
    path = image_path(plate, "B02", 1, "RNA")
    pixels = tifffile.imread(path)
    odd = {
        "black": np.zeros_like(pixels),
        "white": np.full_like(pixels, 65535),
        "8 bits": (pixels >> 8).astype(np.uint8),
        "32 bits": pixels.astype(np.uint32) << 16,
        "decimals": pixels / np.float32(65535),
    }
    tifffile.imwrite(path, odd[kind])
    assert not measure(plate, tmp_path / "out").failed


def test_a_site_without_cells_is_an_empty_table(plate: Path, tmp_path: Path) -> None:
    for kind in ("nuclei", "cells"):
        path = plate / f"labels/P1/A01_1_{kind}.tiff"
        tifffile.imwrite(path, np.zeros_like(tifffile.imread(path)))
    run = measure(plate, tmp_path / "out")
    assert not run.failed
    assert run.records[0].cells == 0
    empty, other = (
        pd.read_parquet(tmp_path / f"out/cells/P1/A01_{site}.parquet") for site in (1, 2)
    )
    assert len(empty) == 0
    assert list(empty) == list(other)
    assert len(list(cellfolio.open_cells(tmp_path / "out").batches())) >= 3


def test_what_cannot_begin_is_refused(plate: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(NotFound, match="no images of a plate"):
        measure_plates(MeasureInputs(plate / "labels"), out, FEW)
    with pytest.raises(NotFound, match="there is no folder"):
        measure_plates(MeasureInputs(plate / "nothing"), out, FEW)
    with pytest.raises(NotFound, match="no labels of nuclei"):
        measure_plates(MeasureInputs(plate / "images", labels=plate / "images"), out, FEW)
    with pytest.raises(InvalidArgument, match="'Actin'") as told:
        measure_plates(inputs(plate, channels="Actin"), out, FEW)
    assert "DNA" in told.value.hint or "ch" in told.value.hint
    with pytest.raises(InvalidArgument, match="nuclei are found in the channel 'DNA'"):
        measure_plates(MeasureInputs(plate / "images", channels="RNA"), out, FEW)
    with pytest.raises(NotFound, match="none of the sites"):
        measure_plates(inputs(plate, select={"well": "C05"}), out, FEW)
    with pytest.raises(InvalidArgument, match="workers should be at least 1"):
        measure_plates(inputs(plate), out, FEW, workers=0)
    assert not out.exists()


def test_labels_of_a_site_that_are_missing(plate: Path, tmp_path: Path) -> None:
    (plate / "labels/P1/B02_2_nuclei.tiff").unlink()
    run = measure(plate, tmp_path / "out")
    assert [(one.well, one.site) for one in run.failed] == [("B02", 2)]
    assert run.failed[0].failure is not None
    assert "no labels of its nuclei" in run.failed[0].failure.message


# Where images are


def test_channels_are_named_and_chosen(plate: Path, tmp_path: Path) -> None:
    told = inputs(plate, channels="Actin=3,Dye=dna")
    run = measure_plates(told, tmp_path / "out", FEW, workers=1)
    assert not run.failed
    names = cellfolio.open_cells(tmp_path / "out").columns
    assert {name.rpartition("_")[2] for name in names if "MeanIntensity_" in name} == {
        "Actin",
        "Dye",
    }


def write_table(plate: Path, folder: str) -> Path:
    rows = [
        {
            "Metadata_Plate": "P1",
            "Metadata_Well": well,
            "Metadata_Site": site,
            **{
                f"{what}_Orig{channel}": text
                for channel in ("DNA", "RNA")
                for what, text in {
                    "FileName": image_path(plate, well, site, channel).name,
                    "PathName": folder,
                }.items()
            },
        }
        for well, site in SITES
    ]
    path = plate / "load_data.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def test_load_data_names_the_images(plate: Path, tmp_path: Path) -> None:
    measure(plate, tmp_path / "names")
    folder = image_path(plate, "A01", 1, "DNA").parent
    table = write_table(plate, str(folder.relative_to(plate)))
    for number, place in enumerate((None, plate / "images")):
        out = tmp_path / str(number)
        told = MeasureInputs(table, place, plate / "labels")
        assert not measure_plates(told, out, FEW, workers=1).failed
        old, new = (pd.read_parquet(one / "cells") for one in (tmp_path / "names", out))
        pd.testing.assert_frame_equal(old, new)


def test_illumination_functions_divide_the_images(plate: Path, tmp_path: Path) -> None:
    light = np.full((40, 48), 2.0)
    (plate / "light").mkdir()
    np.save(plate / "light/P1_IllumDNA.npy", light)
    told = inputs(plate, illumination=plate / "light")
    run = measure_plates(told, tmp_path / "lacking", FEW, workers=1)
    assert len(run.failed) == 4
    assert run.failed[0].failure is not None
    assert "no illumination function of RNA" in run.failed[0].failure.message
    np.save(plate / "light/IllumRNA.npy", light / 2)
    assert not measure_plates(told, tmp_path / "even", FEW, workers=1).failed
    measure(plate, tmp_path / "out")
    old, new = (pd.read_parquet(tmp_path / one / "cells") for one in ("out", "even"))
    name = "Nuclei_Intensity_MeanIntensity_DNA"
    np.testing.assert_allclose(new[name] * 2, old[name], rtol=1e-6)


def test_packages_are_read_where_they_are(
    plate: Path, tmp_path: Path, bucket: str, s3_env: dict[str, str]
) -> None:
    measure(plate, tmp_path / "folder")
    home = Home(tmp_path / "home")
    package = cellfolio.build(plate, "lab/plate", home=home).package
    cellfolio.push(package, f"s3://{bucket}", home=home)
    name = f"s3://{bucket}/lab/plate"
    far = Home(tmp_path / "far")
    told = MeasureInputs(f"{name}/images", labels=f"{name}/labels")
    run = measure_plates(told, tmp_path / "remote", FEW, workers=1, home=far)
    assert not run.failed
    assert run.made == 4
    old, new = (pd.read_parquet(tmp_path / one / "cells") for one in ("folder", "remote"))
    pd.testing.assert_frame_equal(old, new)
    assert not list((far.folder / "store").rglob("*.tiff"))
    assert measure_plates(told, tmp_path / "remote", FEW, workers=1, home=far).made == 0


def test_bytes_that_are_not_those_promised_are_not_measured(plate: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    package = cellfolio.open(str(plate), home=home)
    path = image_path(plate, "B02", 2, "DNA")
    pixels = tifffile.imread(path)
    pixels[0, 0] += 1
    tifffile.imwrite(path, pixels)
    told = MeasureInputs(package.subset("images"), labels=package.subset("labels"))
    run = measure_plates(told, tmp_path / "out", FEW, workers=1, home=home)
    assert [(one.well, one.site) for one in run.failed] == [("B02", 2)]
    assert run.failed[0].failure is not None
    assert run.failed[0].failure.error == "DigestMismatch"


# Real sites


@pytest.mark.slow
def test_real_sites_from_images_to_profiles(shared: Path, tmp_path: Path) -> None:
    images = shared / "data/cpjump1/example_images"
    told = MeasureInputs(
        images, channels="AGP,DNA,ER,Mito,RNA", plate="BR00116991", select={"well": "A21,D14"}
    )
    options = MeasureOptions(outlines=True, labels=True)
    run = measure_plates(told, tmp_path / "out", options, workers=1)
    assert not run.failed
    counts = {one.well: one.cells for one in run.records}
    assert abs(counts["D14"] - 98) <= 1
    assert abs(counts["A21"] - 72) <= 1
    golden = shared / "data/cellprofiler_golden/DMSO_r04c14f05/Cells.parquet"
    cells = pd.read_parquet(tmp_path / "out/cells/BR00116991/D14_5.parquet")
    theirs = pd.read_parquet(golden)
    for name in ("AreaShape_Area", "Texture_Contrast_DNA_3_00_256", "Granularity_3_RNA"):
        ours = np.sort(cells[f"Cells_{name}"])
        np.testing.assert_allclose(ours, np.sort(theirs[name]), rtol=1e-6)
    wells = cellfolio.aggregate_cells(cellfolio.open_cells(tmp_path / "out"), count_objects=True)
    assert len(wells) == 2
    assert wells["Metadata_Object_Count"].sum() == sum(counts.values())
    assert measure_plates(told, tmp_path / "out", options, workers=1).made == 0


# What a killed run leaves


def test_what_a_killed_run_was_writing_goes_with_the_next(plate: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    measure(plate, out, shard=Shard(1, 2))
    left = {
        site: [out / f"{kind}/P1/.{site}.{suffix}.{'0' * 32}"
               for kind, suffix in (("cells", "parquet"), ("records", "json"))]
        for site in ("A01_1", "A01_2")
    }  # fmt: skip
    for path in (path for paths in left.values() for path in paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
    measure(plate, out, shard=Shard(1, 2))
    assert [path.exists() for path in left["A01_1"]] == [False, False]
    assert [path.exists() for path in left["A01_2"]] == [True, True], "they are of another shard"
    (out / "images").mkdir()
    (out / f"images/.{'0' * 32}.csv.gz").touch()
    (out / f".measured.json.{'0' * 32}").touch()
    assert not measure(plate, out).failed
    assert {path.suffix for path in out.rglob(".*")} == {".lock"}
