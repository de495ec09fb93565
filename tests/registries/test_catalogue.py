"""The catalogue of known data sets: what it says is what was published, and it can be asked."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfolio.errors import NotFound, ObjectNotFound
from cellfolio.package.keys import check_package_name
from cellfolio.registries.catalogue import (
    Catalogue,
    DataSet,
    builtin_catalogue,
    read_catalogue,
)
from cellfolio.storage.places import parse_uri

MODALITIES = {
    "images",
    "morphology profiles",
    "expression",
    "spatial transcriptomics",
    "metadata",
}
QUILT_2 = {"aics_11", "aics_16", "aics_23", "cell_lines", "random_sample"}
ROSETTA = {
    "CDRP-BBBC047-Bray",
    "CDRPBIO-BBBC036-Bray",
    "LUAD-BBBC041-Caicedo",
    "TA-ORF-BBBC037-Rohban",
    "LINCS-Pilot1",
}
PILOT = 'version = 1\n[[data_set]]\nname = "lab/pilot"\ntitle = "Pilot"\naddress = "s3://screens"\n'
OURS_REPLACED = PILOT.replace("lab/pilot", "abc/atlas")


def nothing_beside(name: str) -> bytes:
    raise ObjectNotFound(name)


def read(text: str) -> Catalogue:
    return read_catalogue(text, "lab.toml", nothing_beside)


def names(catalogue: Catalogue) -> list[str]:
    return [one.name for one in catalogue.data_sets]


def seed(shared: Path, number: str) -> str:
    (path,) = (shared / "seeds").glob(f"{number}_*")
    return path.read_text(encoding="utf-8")


# Ours


def test_all_data_sets_of_the_five_studies_are_there() -> None:
    cardio = {
        "aics/cardio_diff_manuscript",
        "aics/integrated_transcriptomics_structural_organization_hipsc_cm",
    }
    others = {"cpjump1/images", "cpjump1/profiles", "abc/atlas"}
    lines = {f"aics/{name}" for name in QUILT_2}
    rosetta = {f"rosetta/{name}" for name in ROSETTA}
    assert set(names(builtin_catalogue())) == cardio | others | lines | rosetta


@pytest.mark.parametrize("one", builtin_catalogue().data_sets, ids=lambda one: one.name)
def test_each_of_ours_says_what_a_user_has_to_know(one: DataSet) -> None:
    assert check_package_name(one.name) == one.package
    assert 2 <= len(re.findall(r"\.(?: |$)", one.description)) <= 5
    assert one.licence
    assert one.citation
    assert one.homepage.startswith("https://")
    assert one.contains
    assert set(one.modalities) <= MODALITIES
    kind, plus, rest = one.address.partition("+")
    assert parse_uri(rest if plus else one.address).root
    assert kind in {"abc", "cpg", "lfs", "listing"} or not plus
    assert "seed" not in " ".join((one.description, one.notes, *one.contains))


def test_ours_are_sorted_and_each_is_there_once() -> None:
    listed = names(builtin_catalogue())
    assert listed == sorted(set(listed))


def test_addresses_that_nobody_confirmed_say_so() -> None:
    unsure = [one for one in builtin_catalogue().data_sets if "Unconfirmed address" in one.notes]
    assert {one.name.partition("/")[2] for one in unsure} == QUILT_2
    assert all(one.moved for one in unsure)


def test_cardio_lists_the_folders_of_its_readme(shared: Path) -> None:
    text = seed(shared, "000").partition("included in this package are:")[2]
    folders = re.findall(r"^- `(\w+)`$", text, re.MULTILINE)
    assert len(folders) == 14
    cardio = builtin_catalogue().find("aics/cardio_diff_manuscript")
    assert list(cardio.contains) == folders
    assert cardio.address in text


def test_aics_23_has_the_published_size(shared: Path) -> None:
    found = re.search(r"Downloading (\d+) fragments \((\d+) bytes", seed(shared, "001"))
    assert found
    one = builtin_catalogue().find("aics/aics_23")
    assert one.size == int(found[2])
    assert f"{int(found[1]):,} fragments" in one.notes


def listing(one: DataSet) -> list[tuple[str, int, str]]:
    lines = one.data_file(one.listing).decode().splitlines()
    assert lines[0].startswith("# ")
    assert "https://" in lines[0]
    rows = (line.split("\t") for line in lines[1:])
    return [(key, int(size), e_tag) for key, size, e_tag in rows]


def test_rosetta_listing_is_the_published_one(shared: Path) -> None:
    block = re.search(r"```json\n(.*?)```", seed(shared, "002"), re.DOTALL)
    assert block
    prefix = "rosetta/broad/workspace/preprocessed_data/"
    published = {
        (one["Key"].removeprefix(prefix), one["Size"], one["ETag"].strip('"'))
        for one in json.loads(block[1])["Contents"]
    }
    assert len(published) == 33
    found = listing(builtin_catalogue().find("rosetta/LINCS-Pilot1"))
    assert len(found) == 33
    assert set(found) == published


@pytest.mark.parametrize("folder", sorted(ROSETTA))
def test_rosetta_sizes_and_counts_are_those_of_the_listing(folder: str) -> None:
    one = builtin_catalogue().find(f"rosetta/{folder}")
    sizes = [size for key, size, _ in listing(one) if key.startswith(f"{folder}/")]
    assert (one.files, one.size) == (len(sizes), sum(sizes))
    assert one.address.endswith(f"/preprocessed_data/{folder}")


def test_rosetta_feature_counts_are_the_published_ones(shared: Path) -> None:
    table = seed(shared, "002").partition("Number of features for each dataset")[2]
    rows = re.findall(r"^\| ?([A-Z-]+) *\| *(\d+) *\| *(\d+) *\| *(\d+) *\|", table, re.MULTILINE)
    assert len(rows) == 4
    for short, genes, normalized, selected in rows:
        start = "rosetta/CDRPBIO-" if short == "CDRP-BIO" else f"rosetta/{short}"
        (one,) = (one for one in builtin_catalogue().data_sets if one.name.startswith(start))
        for number in (f"{int(genes):,} genes", f"{int(normalized):,} morph", f"({selected} after"):
            assert number in one.description


def test_profiles_count_the_published_pointers(shared: Path) -> None:
    with (shared / "data/cpjump1/lfs_manifest.tsv").open(encoding="utf-8", newline="") as file:
        sizes = [int(row["size"]) for row in csv.DictReader(file, delimiter="\t")]
    one = builtin_catalogue().find("cpjump1/profiles")
    assert (one.files, one.size) == (len(sizes), sum(sizes)) == (937, 5_709_949_823)
    assert one.bytes.count("{path}") == 1


def test_images_count_the_published_plates(shared: Path) -> None:
    rows = re.findall(r"^\| *BR\w+ *\|.*?\| *(\d+) *\|", seed(shared, "003"), re.MULTILINE)
    one = builtin_catalogue().find("cpjump1/images")
    assert one.files == sum(map(int, rows))
    assert f"{len(rows)} plates and {one.files:,} images" in one.description
    plates = list(csv.DictReader(one.data_file(one.plates).decode().splitlines()))
    assert sum(int(row["images"]) for row in plates) == one.files
    counts = Counter(row["batch"] for row in plates)
    assert {text.partition(":")[0] for text in one.contains} == set(counts)


def test_atlas_counts_the_files_of_its_release(shared: Path) -> None:
    folder = shared / "data/abc_atlas/manifests"
    (path,) = folder.glob("manifest_20250531_*.json")
    sizes = re.findall(r'"size": (\d+)', json.dumps(json.loads(path.read_text())["file_listing"]))
    one = builtin_catalogue().find("abc/atlas")
    assert (one.files, one.size) == (len(sizes), sum(map(int, sizes)))


def test_ours_is_loaded_when_asked_for_only() -> None:
    code = "import sys, cellfolio, cellfolio.cli.main; print(*sys.modules)"
    run = [sys.executable, "-c", code]
    loaded = subprocess.run(run, capture_output=True, text=True, check=True).stdout.split()
    assert "cellfolio.cli.main" in loaded
    assert "tomllib" not in loaded


# Asking


def test_find_names_what_is_like_it() -> None:
    with pytest.raises(NotFound, match="no data set 'cpjump1/image'") as caught:
        builtin_catalogue().find("cpjump1/image")
    assert "cpjump1/images" in caught.value.hint
    assert builtin_catalogue().get("cpjump1/image") is None


@pytest.mark.parametrize(
    ("given_name", "meant"),
    [
        ("lincs-pilot1", "rosetta/LINCS-Pilot1"),
        ("rosetta/lincs_pilot_1", "rosetta/LINCS-Pilot1"),
        ("atlas", "abc/atlas"),
        ("AICS/AICS_32", "aics/aics_23"),
        ("BBBC037", "rosetta/TA-ORF-BBBC037-Rohban"),
    ],
)
def test_suggestions(given_name: str, meant: str) -> None:
    assert meant in builtin_catalogue().suggest(given_name)


@pytest.mark.parametrize("given_name", ["", "   ", "zzzzqqqq"])
def test_nothing_alike_suggests_nothing(given_name: str) -> None:
    assert builtin_catalogue().suggest(given_name) == ()


def test_search_wants_every_word_wherever_it_is() -> None:
    catalogue = builtin_catalogue()
    assert names(Catalogue(catalogue.search("A549 L1000"))) == [
        "rosetta/LINCS-Pilot1",
        "rosetta/LUAD-BBBC041-Caicedo",
    ]
    assert catalogue.search("A549 l1000 zebrafish") == ()
    assert catalogue.search(" ") == catalogue.data_sets


@given(st.sampled_from(builtin_catalogue().data_sets), st.data())
def test_a_data_set_is_found_by_any_words_of_its_own(one: DataSet, data: st.DataObject) -> None:
    own = " ".join((one.name, one.title, one.description, *one.contains, *one.modalities)).split()
    words = data.draw(st.lists(st.sampled_from(own), max_size=4))
    change = data.draw(st.sampled_from([str.upper, str.lower, str.swapcase]))
    assert one in builtin_catalogue().search(change(" ".join(words)))


def test_former_addresses_lead_to_the_data_set() -> None:
    find = builtin_catalogue().find_moved
    old = "s3://cellpainting-gallery/rosetta/broad/workspace/preprocessed_data/LINCS-Pilot1"
    for address in (old, f"{old}/", f"{old}/L1000/level_3.csv.gz", f"listing+{old}"):
        assert names(Catalogue(find(address))) == ["rosetta/LINCS-Pilot1"]
    assert len(find("s3://cellpainting-datasets/Rosetta-GE-CP")) == 5
    assert find(f"{old}-other") == ()
    assert find("s3://cellpainting-gallery") == ()


def test_merged_replaces_data_sets_of_the_same_name() -> None:
    ours = builtin_catalogue()
    merged = ours.merged(read(OURS_REPLACED)).merged(read(PILOT))
    assert names(merged) == sorted([*names(ours), "lab/pilot"])
    assert merged.find("abc/atlas").title == "Pilot"
    assert ours.find("abc/atlas").title != "Pilot"
