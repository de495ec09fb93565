"""The Cell Painting Gallery: its layout, its plates, and images selected from a bucket."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellfolio.errors import InvalidArgument, NotFound
from cellfolio.registries.gallery import (
    GalleryLayout,
    PlateRecord,
    find_plate,
    read_plates,
)
from cellfolio.registries.gallery_images import Selected, select_images, summarise
from cellfolio.registries.plates import (
    ImageName,
    PlateFormat,
    Well,
    parse_image_name,
    parse_wells,
)
from cellfolio.registries.selection import parse_selection
from cellfolio.storage.places import parse_uri
from cellfolio.storage.remote import Remotes
from tests.servers.faults import FaultProxy
from tests.servers.seaweed import SeaweedServer

SOURCE = "cpg0000-jump-pilot/source_4"
BATCH = "2020_11_04_CPJUMP1"
FOLDER = "BR00116993__2020-11-05T23_26_22-Measurement1"
PLATE = "BR00116993"
SITES = tuple(range(1, 10))
CHANNELS = tuple(range(1, 9))
SMALL = PlateFormat(2, 3)


@pytest.fixture(scope="session")
def table() -> tuple[PlateRecord, ...]:
    """The table of plates that comes with the library."""
    data = files("cellfolio.registries") / "data" / "cpjump1_plates.csv"
    return read_plates(data.read_text(encoding="utf-8"))


def image_names(
    wells: Iterable[Well], sites: Sequence[int] = SITES, channels: Sequence[int] = CHANNELS
) -> list[str]:
    return [
        f"r{well.row:02d}c{well.column:02d}f{site:02d}p01-ch{channel}sk1fk1fl1.tiff"
        for well, site, channel in product(wells, sites, channels)
    ]


def fill(
    root: str, names: Iterable[str], *, folder: str = FOLDER, batch: str = BATCH, to: Remotes
) -> None:
    """Put small objects into a plate's folder; each holds its own name."""
    images = GalleryLayout(root).plate_images(batch, folder)

    def put(name: str) -> None:
        to.put(parse_uri(f"{images.uri}/{name}"), name.encode())

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(put, names))


def names_of(selected: Selected) -> set[str]:
    return {entry.name for entry in selected.package.walk()}


def listings(proxy: FaultProxy) -> int:
    assert all(request.method == "GET" for request in proxy.requests)
    return proxy.count("GET", "list-type=2")


# Selecting, from a real S3 server


@pytest.fixture
def root(bucket: str, s3_env: dict[str, str]) -> str:
    return f"s3://{bucket}/{SOURCE}"


@pytest.fixture
def proxied(
    fault_proxy: FaultProxy, s3_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Remotes:
    """Clients whose requests the proxy counts."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", fault_proxy.endpoint)
    return Remotes()


def test_selection_finds_exactly_the_images_asked_for(
    root: str, table: tuple[PlateRecord, ...], s3_env: dict[str, str]
) -> None:
    remotes = Remotes()
    wells = parse_wells("A01-A03,B01,P24")
    put = image_names(wells)
    fill(root, put, to=remotes)
    for asked_wells, sites, channels in [
        ("A01", (), ()),
        ("A02-B03", (), ()),
        ("P24,A03", "1-2,9", "DNA,ER"),
        ("A", "5", "fluorescence"),
        ("1", (), "8"),
        ((), "3", "Hoechst 33342"),
    ]:
        asked = parse_selection(PLATE, wells=asked_wells, sites=sites, channels=channels)
        selected = select_images(root, asked, table, remotes)
        expected = {name for name in put if asked.matches(parse_image_name(name))}
        assert names_of(selected) == expected
        assert selected.found == len(expected) > 0
        in_grid = (len(asked.wells) or 384) * (len(asked.sites) or 9) * (len(asked.channels) or 8)
        assert selected.expected == in_grid
        assert len(selected.missing) == in_grid - len(expected)
        assert not selected.surplus


def test_entries_name_the_objects_and_their_bytes(
    root: str, table: tuple[PlateRecord, ...], s3_env: dict[str, str]
) -> None:
    remotes = Remotes()
    fill(root, image_names([Well(1, 1)], [1]), to=remotes)
    package = select_images(root, parse_selection(PLATE, wells="A1"), table, remotes).package
    assert package.meta == {"batch": BATCH, "plate": PLATE}
    for entry in package.walk():
        assert entry.logical_key == f"{BATCH}/images/{FOLDER}/Images/{entry.name}"
        body, _ = remotes.read(parse_uri(entry.physical_key))
        assert body == entry.name.encode()
        assert entry.size == len(body)
        assert entry.digest is not None
        assert entry.digest.algorithm == "ETag"
        assert entry.digest.value == hashlib.md5(body).hexdigest()


def test_only_the_wanted_wells_are_listed(
    root: str, table: tuple[PlateRecord, ...], proxied: Remotes, fault_proxy: FaultProxy
) -> None:
    fill(root, image_names(parse_wells("A,B01,P24")), to=proxied)  # 1,872 keys: two requests
    for words, spans in [
        ("A01", 1),
        ("A12", 1),
        ("A24,B01", 1),
        ("A01,A05,A09", 1),
        ("A02,P24", 2),
        ("A01,A20,P01", 3),
    ]:
        fault_proxy.reset()
        asked = parse_selection(PLATE, wells=words)
        selected = select_images(root, asked, table, proxied)
        there = [well for well in asked.wells if well.row == 1 or str(well) in ("B01", "P24")]
        assert names_of(selected) == set(image_names(there)), words
        assert listings(fault_proxy) <= 1 + spans, words
    fault_proxy.reset()
    everything = select_images(root, parse_selection(PLATE), table, proxied)
    assert everything.found == 26 * 72
    assert listings(fault_proxy) <= 1 + 5


def test_object_that_marks_a_folder_is_no_surplus(
    root: str, bucket: str, s3: SeaweedServer, s3_env: dict[str, str]
) -> None:
    marker = f"{SOURCE}/images/{BATCH}/images/{FOLDER}/Images/"
    s3.client().put_object(Bucket=bucket, Key=marker, Body=b"")
    fill(root, image_names([Well(1, 1)]), to=Remotes())
    for wells in ((), "A01"):
        asked = parse_selection(PLATE, batch=BATCH, wells=wells)
        selected = select_images(root, asked, [], Remotes(), shape=SMALL)
        assert (selected.found, selected.surplus) == (72, ())


def test_missing_and_surplus_are_named(root: str, s3_env: dict[str, str]) -> None:
    remotes = Remotes()
    plates = [PlateRecord(BATCH, PLATE, "small", 6 * 72 - 8 - 72 - 2)]
    put = image_names(SMALL.wells())
    gone = {
        *image_names([Well(1, 2)], [3]),
        *image_names([Well(2, 2)]),
        *image_names([Well(2, 3)], [9], [4, 5]),
    }
    strange = [
        "Index.idx.xml",
        "r01c01f01p01-ch1sk1fk1fl1.tiff.part",
        "r01c01f01p01-ch9sk1fk1fl1.tiff",
        "r01c01f01p02-ch1sk1fk1fl1.tiff",
        "r01c01f10p01-ch1sk1fk1fl1.tiff",
        "r01c01f02p01-ch1sk1fk1fl1.tif",
        "r01c04f01p01-ch1sk1fk1fl1.tiff",
        "r03",
        "zz.txt",
    ]
    fill(root, [*(name for name in put if name not in gone), *strange], to=remotes)
    selected = select_images(root, parse_selection(PLATE), plates, remotes, shape=SMALL)
    assert {str(image) for image in selected.missing} == gone
    assert list(selected.surplus) == sorted(strange)
    assert names_of(selected) == set(put) - gone
    assert selected.found == selected.expected == plates[0].expected_images
    assert summarise(selected).splitlines()[:3] == [
        "BR00116993: 350 of 350 images expected; 11 sites incomplete",
        "no images of wells B02",
        "missing: A02 site 3; B03 site 9 channels 4-5",
    ]
    assert "Index.idx.xml" in summarise(selected).splitlines()[3]

    full = [PlateRecord(BATCH, PLATE, "small", 6 * 72)]
    one = select_images(root, parse_selection(PLATE, wells="A2"), full, remotes, shape=SMALL)
    assert not one.surplus
    assert summarise(one) == (
        "BR00116993: 64 of 72 images expected; 1 site incomplete\nmissing: A02 site 3"
    )


def test_newest_measurement_is_used_unless_another_is_named(
    root: str, s3_env: dict[str, str]
) -> None:
    remotes = Remotes()
    folders = [
        PLATE,
        f"{PLATE}__2020-11-05T23_26_22-Measurement2",
        f"{PLATE}__2020-11-06T01_00_00-Measurement1",
        f"{PLATE}A__2020-12-09T01_00_00-Measurement1",
    ]
    for number, folder in enumerate(folders, 1):
        fill(root, image_names([Well(1, 1)], [number], [1]), folder=folder, to=remotes)
    newest = select_images(root, parse_selection(PLATE, batch=BATCH), [], remotes)
    assert newest.place.folder == folders[2]
    assert newest.place.others == (folders[1], folders[0])
    assert names_of(newest) == set(image_names([Well(1, 1)], [3], [1]))
    told = summarise(newest)
    assert f"of 3 measurements, the newest is used: {folders[2]}" in told
    assert f"other measurements: {folders[1]}, {folders[0]}" in told
    older = select_images(root, parse_selection(folders[1], batch=BATCH), [], remotes)
    assert names_of(older) == set(image_names([Well(1, 1)], [2], [1]))
    assert "the one named is used" in summarise(older)
    with pytest.raises(NotFound, match="no folder of") as caught:
        find_plate(remotes, root, f"{PLATE}__2021-01-01T00_00_00-Measurement1", batch=BATCH)
    assert folders[2] in caught.value.hint


def test_plate_that_is_not_there(
    root: str, table: tuple[PlateRecord, ...], s3_env: dict[str, str]
) -> None:
    remotes = Remotes()
    fill(root, image_names([Well(1, 1)], [1], [1]), to=remotes)
    with pytest.raises(NotFound, match=r"no plate 'BR0011699' .* 107 plates") as caught:
        find_plate(remotes, root, "BR0011699", plates=table)
    assert "did you mean BR0011699" in caught.value.hint
    with pytest.raises(NotFound, match="found 1 others") as caught:
        find_plate(remotes, root, "BR00116994", plates=table)
    assert caught.value.hint == f"did you mean {PLATE}?"
    with pytest.raises(NotFound, match="has no plates") as caught:
        find_plate(remotes, root, PLATE, batch="2020_11_04", plates=table)
    assert BATCH in caught.value.hint
    with pytest.raises(NotFound, match="bucket does not exist"):
        find_plate(remotes, "s3://no-such-bucket-here", PLATE, plates=table)


def test_plate_in_several_batches_wants_a_batch(table: tuple[PlateRecord, ...]) -> None:
    """Nothing is asked of the store: there is none."""
    with pytest.raises(InvalidArgument, match=r"BR00118050 is in 5 batches: .*_4WeeksTimePoint$"):
        find_plate(Remotes(), "memory://nothing", "BR00118050", plates=table)


# Without a server: the same interface, in memory and in a folder


def test_folder_gives_what_a_bucket_gives(tmp_path: Path, table: tuple[PlateRecord, ...]) -> None:
    put = image_names(parse_wells("A01-A03,B01,P24"), [1, 2])
    remotes = Remotes()
    for root in (tmp_path.as_uri(), "memory://gallery"):
        fill(f"{root}/{SOURCE}", put, to=remotes)
    asked = parse_selection(PLATE, wells="A02,P24", channels="1-3")
    disk, memory = (
        select_images(f"{root}/{SOURCE}", asked, table, remotes)
        for root in (tmp_path.as_uri(), "memory://gallery")
    )
    assert names_of(disk) == names_of(memory)
    assert disk.found == 2 * 2 * 3
    assert disk.missing == memory.missing
    for entry in disk.package.walk():
        assert remotes.read(parse_uri(entry.physical_key))[0] == entry.name.encode()


def test_mirror_on_disk_gives_keys_of_the_bucket(
    tmp_path: Path, table: tuple[PlateRecord, ...]
) -> None:
    put = image_names(parse_wells("A01-A03,B01,P24"), [1, 2])
    fill(f"{tmp_path.as_uri()}/{SOURCE}", put, to=Remotes())
    mirrored = Remotes(lambda place: parse_uri((tmp_path / place.path).as_uri()))
    asked = parse_selection(PLATE, wells="A02,P24")
    selected = select_images(f"s3://gallery/{SOURCE}", asked, table, mirrored)
    assert selected.found == 2 * 2 * 8
    for entry in selected.package.walk():
        assert entry.physical_key == f"s3://gallery/{SOURCE}/images/{entry.logical_key}"


@pytest.fixture(scope="module")
def shelf() -> tuple[Remotes, list[str], PlateFormat]:
    """A plate of 6 × 12 wells in memory, with a hole."""
    shape = PlateFormat(6, 12)
    put = image_names([well for well in shape.wells() if well != Well(3, 4)], [1, 2], [1, 5])
    remotes = Remotes()
    fill(f"memory://shelf/{SOURCE}", put, to=remotes)
    return remotes, put, shape


@settings(max_examples=60)
@given(st.sets(st.builds(Well, st.integers(1, 6), st.integers(1, 12)), max_size=12))
def test_any_wells_are_found_whatever_is_listed(
    shelf: tuple[Remotes, list[str], PlateFormat], wells: set[Well]
) -> None:
    remotes, put, shape = shelf
    asked = parse_selection(PLATE, batch=BATCH, wells=map(str, wells), channels="1,5", shape=shape)
    selected = select_images(f"memory://shelf/{SOURCE}", asked, [], remotes, shape=shape)
    expected = {name for name in put if asked.matches(parse_image_name(name))}
    assert names_of(selected) == expected
    missing = {image.well for image in selected.missing}
    assert missing == ({Well(3, 4)} if Well(3, 4) in wells or not wells else set())


@pytest.mark.slow
def test_real_plate_with_holes_is_complete_by_its_table(table: tuple[PlateRecord, ...]) -> None:
    """BR00116993 was published with 27,352 images: 37 sites fewer than 384 wells have."""
    put = image_names(parse_wells("A-P"))
    holes = set(image_names(parse_wells("C05-C12,D01-D24"), [7]))
    holes |= set(image_names(parse_wells("H01-H05"), [2]))
    assert len(holes) == 37 * 8
    remotes = Remotes()
    fill(f"memory://full/{SOURCE}", (name for name in put if name not in holes), to=remotes)
    root = f"memory://full/{SOURCE}"
    selected = select_images(root, parse_selection(PLATE), table, remotes)
    assert summarise(selected).splitlines()[0] == (
        "BR00116993: 27,352 of 27,352 images expected; 37 sites incomplete"
    )
    assert {str(image) for image in selected.missing} == holes
    assert re.search(r"C05 site 7; .* and 27 more$", summarise(selected))
    well = select_images(root, parse_selection(PLATE, wells="H03"), table, remotes)
    assert (well.found, well.expected) == (64, 72)
    assert [image.site for image in well.missing] == [2] * 8


@pytest.mark.parametrize(
    ("there", "images", "sites"),
    [
        ((1, 2, 3, 4), 12_280, (1, 2, 3, 4)),
        (tuple(range(1, 17)), 49_144, tuple(range(1, 17))),
        ((1, 2, 3, 5, 6, 8, 9), 21_504, (1, 2, 3, 5, 6, 8, 9)),
        ((2, 3), 12_288, (1, 2, 3, 4)),
        ((), 27_352, SITES),
        ((), None, SITES),
        ((1, 2, 3, 4), None, (1, 2, 3, 4)),
    ],
)
def test_how_many_sites_a_well_has_is_told_by_table_and_images(
    there: tuple[int, ...], images: int | None, sites: tuple[int, ...]
) -> None:
    remotes = Remotes()
    root = f"memory://sites/{SOURCE}"
    fill(root, [*image_names([Well(1, 1)], there), "Index.idx.xml"], to=remotes)
    plates = [] if images is None else [PlateRecord(BATCH, PLATE, "", images)]
    asked = parse_selection(PLATE, batch=BATCH, wells="A01")
    selected = select_images(root, asked, plates, remotes)
    present = {image.site for image in selected.missing} | set(there)
    assert tuple(sorted(present)) == sites
    assert selected.expected == 8 * len(sites)
    assert selected.missing == tuple(
        ImageName(1, 1, site, 1, channel)
        for site, channel in product(sites, CHANNELS)
        if site not in there
    )
