"""Real manifests, by others: each gives the top hash that it is named by."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cellfolio.errors import ManifestMismatch
from cellfolio.package.manifest import read_indexed, read_manifest, write_index
from tests.package import oracle

NOT_REPRODUCIBLE = "3210f808ac0467726439191eea3bd0a66ab261122ee55758367620fedc77fe08"


@pytest.fixture(scope="session")
def manifests(shared: Path) -> list[Path]:
    """Every real manifest."""
    folder = shared / "data" / "quilt_manifests"
    found = [
        *folder.glob("*.jsonl"),
        *(folder / "quilt_rs").rglob("*.jsonl"),
        *(folder / "quiltcore" / ".quilt" / "packages").iterdir(),
    ]
    assert len(found) >= 66
    return sorted(found)


@pytest.fixture(scope="session")
def named(manifests: list[Path]) -> dict[Path, str]:
    """Manifests whose file name is their whole top hash."""
    names = {path: re.match("[0-9a-f]{64}", path.name) for path in manifests}
    return {path: match[0] for path, match in names.items() if match is not None}


def test_every_manifest_gives_its_top_hash(named: dict[Path, str]) -> None:
    assert len(named) >= 64
    for path, top_hash in named.items():
        if top_hash != NOT_REPRODUCIBLE:
            package = read_manifest(path.read_bytes(), top_hash=top_hash)
            assert package.top_hash == top_hash, path


def test_the_golden_manifest_gives_its_top_hash(shared: Path) -> None:
    path = shared / "data" / "quilt_manifests" / "3426a3f7_golden.jsonl"
    top_hash = read_manifest(path.read_bytes()).top_hash
    assert top_hash.startswith("3426a3f7")
    assert top_hash.endswith("e850")


def test_one_known_manifest_does_not_give_its_name(named: dict[Path, str]) -> None:
    path = next(path for path, top_hash in named.items() if top_hash == NOT_REPRODUCIBLE)
    text = path.read_bytes()
    with pytest.raises(ManifestMismatch, match=f"expected {NOT_REPRODUCIBLE}, found") as caught:
        read_manifest(text, top_hash=NOT_REPRODUCIBLE)
    assert caught.value.found == oracle.top_hash(text)


def test_a_manifest_without_a_hash_in_its_name_is_read(shared: Path) -> None:
    path = shared / "data" / "quilt_manifests" / "quilt_rs" / "packages" / "checksummed.jsonl"
    text = path.read_bytes()
    package = read_manifest(text)
    assert package.file_count == text.count(b"physical_keys") > 0
    assert package.top_hash == oracle.top_hash(text)


def test_equivalent_manifests_are_equal(shared: Path) -> None:
    folder = shared / "data" / "quilt_manifests" / "quilt_rs" / "equivalent-packages"
    sets: dict[str, list[Path]] = {}
    for path in folder.iterdir():
        sets.setdefault(path.name[:64], []).append(path)
    assert sorted(map(len, sets.values())) == [2, 3]
    for paths in sets.values():
        first, *others = (read_manifest(path.read_bytes()) for path in paths)
        for other in others:
            assert other == first
            assert hash(other) == hash(first)
            assert list(other.walk()) == list(first.walk())
            assert not first.diff(other)


def test_every_manifest_survives_being_written(manifests: list[Path]) -> None:
    for path in manifests:
        package = read_manifest(path.read_bytes())
        again = read_manifest(b"".join(package.manifest()), top_hash=package.top_hash)
        assert list(again.walk()) == list(package.walk()), path
        assert again.header == package.header
        assert again.folder_meta == package.folder_meta
        assert again.size == package.size


def test_what_we_write_is_read_by_quilt3(manifests: list[Path]) -> None:
    for path in manifests:
        package = read_manifest(path.read_bytes())
        entries = list(package.walk())
        if not all(re.match("(s3|file)://", entry.physical_key) for entry in entries):
            continue  # quilt3 knows no other places
        assert oracle.quilt3_top_hash(b"".join(package.manifest())) == package.top_hash, path


def test_manifests_in_the_form_of_quilt3_are_written_byte_by_byte(
    manifests: list[Path],
) -> None:
    same = [path for path in manifests if b"".join(_rewritten(path)) == path.read_bytes()]
    assert len(same) >= 36


def _rewritten(path: Path) -> list[bytes]:
    return list(read_manifest(path.read_bytes()).manifest())


def test_an_index_opens_each_of_them_again(manifests: list[Path]) -> None:
    for path in manifests:
        text = path.read_bytes()
        package = read_manifest(text)
        again = read_indexed(text, write_index(package, len(text)), name="a/b")
        assert again == package
        assert again is not None
        assert list(again.walk()) == list(package.walk())
