"""The same verbs on all five systems, by name, as users of the public addresses call them."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import cellfolio
from cellfolio import GetOptions
from cellfolio.cli.main import run
from cellfolio.errors import EntryNotFound, InvalidArgument, InvalidReference, PackageNotFound
from cellfolio.registries.registry import OfflineWarning
from cellfolio.storage.home import Home
from cellfolio.workflows import getting
from tests.servers import open_data
from tests.servers.faults import FaultProxy
from tests.servers.seaweed import SeaweedServer

OPEN = "open-systems"


@pytest.fixture(scope="module")
def published(s3: SeaweedServer) -> Iterator[Mapping[str, str]]:
    s3.create_bucket(OPEN)
    yield open_data.publish(s3, OPEN)
    s3.delete_bucket(OPEN)


@pytest.fixture(autouse=True)
def _open_data(
    published: Mapping[str, str], s3_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in published.items():
        monkeypatch.setenv(name, value)


def files_below(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and ".cellfolio" not in path.parts
    )


# Allen Brain Cell Atlas


def test_a_directory_of_the_atlas_by_its_short_name(tmp_path: Path) -> None:
    home = Home()
    got = cellfolio.get("abc/atlas", tmp_path / "atlas", "WMB-taxonomy", home=home)
    assert files_below(tmp_path / "atlas") == [
        "metadata/WMB-taxonomy/20230830/cluster.csv",
        "metadata/WMB-taxonomy/20230830/views/cluster_annotation_term_with_counts.csv",
        "metadata/WMB-taxonomy/20231215/cluster_annotation_term.csv",
    ]
    assert got.fetched == 3
    assert cellfolio.verify(tmp_path / "atlas", home=home).right == 3
    # Another part, into the same folder: the first stays.
    cellfolio.get("abc/atlas", tmp_path / "atlas", "WMB-10XMulti/WMB-10XMulti/raw", home=home)
    assert len(files_below(tmp_path / "atlas")) == 4
    # An older release: what changed is replaced, in the part that was asked for.
    cellfolio.get("abc/atlas@20230830", tmp_path / "atlas", "WMB-taxonomy", home=home)
    found = files_below(tmp_path / "atlas")
    assert "metadata/WMB-taxonomy/20230830/cluster_annotation_term.csv" in found
    assert "metadata/WMB-taxonomy/20231215/cluster_annotation_term.csv" not in found
    assert "expression_matrices/WMB-10XMulti/20230830/WMB-10XMulti-raw.h5ad" in found


def test_releases_are_revisions() -> None:
    home = Home()
    log = cellfolio.log("abc/atlas", home=home)
    assert [line.revision.pointer for line in log] == ["20231215", "20230830"]
    assert [line.message for line in log] == ["release 20231215", "release 20230830"]
    older, newer = (cellfolio.open(f"abc/atlas@{one}", home=home) for one in open_data.RELEASES)
    assert older.top_hash == log[1].revision.top_hash
    difference = older.diff(newer)
    term = "metadata/WMB-taxonomy/{}/cluster_annotation_term.csv"
    assert [(one.logical_key, other.logical_key) for one, other in difference.changed] == [
        tuple(map(term.format, open_data.RELEASES))
    ]
    assert (difference.added, difference.removed) == ((), ())
    assert cellfolio.open(f"abc/atlas@{newer.top_hash[:10]}", home=home) == newer
    assert cellfolio.open("abc/atlas@2023-12-14", home=home) == older


def test_what_changed_between_releases_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diff", "abc/atlas@20230830", "abc/atlas@20231215"]) == 1
    assert capsys.readouterr().out.splitlines()[1:] == [
        "~  metadata/WMB-taxonomy/20231215/cluster_annotation_term.csv  77 B, 20230830 → 20231215",
        "m  (the package)                                               metadata",
        "0 added (0 B), 0 removed, 1 changed, 1 with other metadata",
    ]


def test_an_ambiguous_name_of_the_atlas_says_the_choices(tmp_path: Path) -> None:
    with pytest.raises(EntryNotFound, match=r"WMB-10XMulti/log2, .*WMB-10XMulti/raw"):
        cellfolio.get("abc/atlas", tmp_path / "x", "WMB-10XMulti/WMB-10XMulti")


def test_the_atlas_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = cellfolio.open("abc/atlas")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.warns(OfflineWarning, match="offline"):
        assert cellfolio.open("abc/atlas") == first


def test_a_checkout_of_the_atlas_is_repaired(tmp_path: Path) -> None:
    home, out = Home(), tmp_path / "atlas"
    options = GetOptions(how="copy")
    cellfolio.get("abc/atlas", out, "gene.csv", options=options, home=home)
    (gene,) = out.rglob("gene.csv")
    status = gene.stat()
    import os

    right = gene.read_bytes()
    gene.chmod(0o644)
    gene.write_bytes(right[::-1])
    os.utime(gene, ns=(status.st_atime_ns, status.st_mtime_ns))
    found = cellfolio.verify(out, repair=True, home=home)
    assert found.repaired == ("metadata/WMB-10X/20230830/gene.csv",)
    assert gene.read_bytes() == right


# CPJUMP1


def test_images_of_a_well(tmp_path: Path) -> None:
    home = Home()
    select = {"plate": "BR00117010", "well": "A01", "site": "1", "channel": "DNA"}
    options = GetOptions(select=select)
    got = cellfolio.get("cpjump1/images", tmp_path / "images", options=options, home=home)
    assert files_below(tmp_path / "images") == [f"{open_data.PLATE}/r01c01f01p01-ch5sk1fk1fl1.tiff"]
    assert got.package.message == "BR00117010: 1 of 1 images expected"
    # Another well, into the same folder: the first stays.
    more = GetOptions(select={**select, "well": "A02", "site": "1-2"})
    cellfolio.get("cpjump1/images", tmp_path / "images", options=more, home=home)
    assert len(files_below(tmp_path / "images")) == 3
    again = cellfolio.get("cpjump1/images", tmp_path / "images", options=options, home=home)
    assert (again.kept, again.fetched) == (1, 0)
    assert len(files_below(tmp_path / "images")) == 3


def test_an_address_with_a_selection_adds_to_a_folder_too(tmp_path: Path) -> None:
    home = Home()
    address = f"cpg+s3://{open_data.GALLERY}/cpg0000-jump-pilot/source_4#plate=BR00117010"
    for well in ("A01", "A02"):
        cellfolio.get(f"{address}&well={well}&site=1&channel=DNA", tmp_path / "images", home=home)
    assert len(files_below(tmp_path / "images")) == 2


def test_missing_images_are_told() -> None:
    select = {"plate": "BR00117010", "well": "A03", "channel": "DNA"}
    package = cellfolio.open("cpjump1/images", select=select)
    assert package.file_count == 8
    assert package.message is not None
    assert package.message.startswith("BR00117010: 8 of 9 images expected; 1 site incomplete")
    whole = cellfolio.open("cpjump1/images", select={"plate": "BR00117010"})
    assert whole.message is not None
    assert whole.message.startswith("BR00117010: 215 of 27,648 images expected")


def test_a_selection_is_needed_and_must_be_one() -> None:
    with pytest.raises(InvalidArgument, match="name one"):
        cellfolio.open("cpjump1/images")
    with pytest.raises(InvalidArgument, match="cannot be selected by colour"):
        cellfolio.open("cpjump1/images", select={"colour": "red"})
    with pytest.raises(InvalidArgument, match="not kept by plate"):
        cellfolio.open("abc/atlas", select={"plate": "BR00117010"})
    with pytest.raises(InvalidArgument, match="nothing can be selected"):
        cellfolio.open("lab/x", select={"plate": "BR00117010"})
    with pytest.raises(InvalidArgument, match="is in 5 batches"):
        cellfolio.open("cpjump1/images", select={"plate": "BR00118050"})


# The others


def test_profiles_by_their_pointers(tmp_path: Path) -> None:
    home = Home()
    got = cellfolio.get("cpjump1/profiles", tmp_path / "p", "**/*_normalized.csv.gz", home=home)
    assert got.fetched == 1
    (path,) = (tmp_path / "p").rglob("*.csv.gz")
    assert path.read_bytes() == open_data.made_up("normalized", 3000)
    assert cellfolio.open("cpjump1/profiles", home=home).file_count == 3


def test_rosetta_by_published_etags(tmp_path: Path) -> None:
    home = Home()
    cellfolio.get("rosetta/LINCS-Pilot1", tmp_path / "r", "L1000", home=home)
    assert files_below(tmp_path / "r") == ["L1000/level_3.csv.gz"]
    live = cellfolio.open(f"listing+s3://{open_data.ROSETTA}", home=home)
    saved = cellfolio.open("rosetta/LINCS-Pilot1", home=home)
    difference = saved.diff(live)
    assert (difference.added, difference.removed, difference.changed) == ((), (), ())
    assert {entry.digest for entry in saved.walk()} == {entry.digest for entry in live.walk()}


def test_a_quilt_data_set(tmp_path: Path) -> None:
    home = Home()
    package = cellfolio.open("aics/cardio_diff_manuscript", home=home)
    assert list(package) == ["2d_segmented_fields", "README.md", "scrnaseq_data"]
    cellfolio.get("aics/cardio_diff_manuscript/scrnaseq_data", tmp_path / "c", home=home)
    assert files_below(tmp_path / "c") == ["scrnaseq_data/genes.csv"]


# Names


def test_a_local_package_comes_before_a_data_set_of_its_name(tmp_path: Path) -> None:
    home = Home()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.csv").write_bytes(b"1\n")
    cellfolio.build(tmp_path / "mine", "abc/atlas", home=home)
    assert list(cellfolio.open("abc/atlas", home=home)) == ["a.csv"]


def test_an_unknown_name_has_suggestions() -> None:
    with pytest.raises(PackageNotFound) as caught:
        cellfolio.open("abc/atlass")
    assert "abc/atlas" in caught.value.hint


def test_a_former_address_says_where_the_data_is_now() -> None:
    former = f"listing+s3://{open_data.GALLERY}/rosetta/broad/workspace/preprocessed_data"
    with pytest.raises(PackageNotFound) as caught:
        cellfolio.open(f"{former}/CDRP-BBBC047-Bray")
    assert "it moved; the catalogue has it as rosetta/CDRP-BBBC047-Bray" in caught.value.hint


def test_an_address_of_one_package_lists_it() -> None:
    (name,) = cellfolio.list_packages(f"listing+s3://{open_data.ROSETTA}")
    package = cellfolio.open(name, registry=f"listing+s3://{open_data.ROSETTA}")
    assert list(package) == ["CellPainting", "L1000"]


def test_a_short_path_of_several_parts_is_refused_in_a_reference() -> None:
    with pytest.raises(InvalidReference, match="several parts"):
        cellfolio.open("abc/atlas/20230830")


def test_addresses_open_without_the_catalogue(tmp_path: Path) -> None:
    home = Home()
    atlas = cellfolio.open(f"abc+s3://{open_data.ATLAS}@20230830", home=home)
    assert atlas == cellfolio.open("abc/atlas@20230830", home=home)
    (tmp_path / "clone").mkdir()
    (tmp_path / "clone" / "a.csv").write_bytes(open_data.pointer(b"1,2\n"))
    (tmp_path / "bytes").mkdir()
    (tmp_path / "bytes" / "a.csv").write_bytes(b"1,2\n")
    template = f"{(tmp_path / 'bytes').as_uri()}/{{path}}"
    cellfolio.get(f"lfs+{tmp_path}/clone#{template}", tmp_path / "out", home=home)
    assert (tmp_path / "out" / "a.csv").read_bytes() == b"1,2\n"
    with pytest.raises(InvalidArgument, match="nothing can be published"):
        cellfolio.push(atlas.named("a/b"), f"abc+s3://{open_data.ATLAS}", home=home)


def test_listing_without_etags_is_size_only(tmp_path: Path) -> None:
    (tmp_path / "shelf").mkdir()
    (tmp_path / "shelf" / "a.csv").write_bytes(b"1,2\n")
    home = Home()
    got = cellfolio.get(f"listing+{(tmp_path / 'shelf').as_uri()}", tmp_path / "out", home=home)
    assert (got.files, got.size_only) == (1, 1)


# What get says


def test_a_large_download_is_asked_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getting, "LARGE", 1000)
    with pytest.warns(getting.LargeDownloadWarning, match="are to be fetched for"):
        cellfolio.get("cpjump1/profiles", tmp_path / "p")
    told: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cellfolio.get("abc/atlas", tmp_path / "a", options=GetOptions(confirm=told.append))
        dry = GetOptions(dry_run=True)
        cellfolio.get("aics/cardio_diff_manuscript", tmp_path / "c", options=dry)
    assert len(told) == 1


def test_the_command_says_the_plan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["get", "abc/atlas", "metadata", "--dry-run", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["files"], plan["fetched"], plan["placed"]) == (4, 4, 4)
    assert plan["free"] > 0
    (tmp_path / "wanted.txt").write_text("# what I need\nWMB-10X/gene\ncluster.csv\n\n")
    assert run(["get", "abc/atlas", "--files-from", "wanted.txt", "-o", "atlas"]) == 0
    assert len(files_below(tmp_path / "atlas")) == 2
    capsys.readouterr()
    arguments = "get cpjump1/images --plate BR00117010 --well A1-A2 --site 1 --channel DNA,ER"
    assert run(arguments.split()) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:] == [
        "BR00117010: 4 of 4 images expected",
        "4 files, 2.0 kB",
        "4 placed, 0 kept, 0 removed; 4 fetched (2.0 kB)",
    ]


def test_only_the_wells_asked_for_are_listed(
    fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", fault_proxy.endpoint)
    select = {"plate": "BR00117010", "well": "A01", "channel": "DNA"}
    assert cellfolio.open("cpjump1/images", select=select).file_count == 9
    listings = [one for one in fault_proxy.requests if "list-type" in one.path]
    assert 1 <= len(listings) <= 3
