"""What was seen of a registry on this machine: told without asking anybody."""

from __future__ import annotations

from pathlib import Path

from cellfolio.registries.abc.registry import AbcRegistry
from cellfolio.registries.quilt import QuiltRegistry
from cellfolio.registries.registry import Registry
from cellfolio.storage.home import Home
from cellfolio.workflows.opening import find_registry
from cellfolio.workflows.publishing import Label, build_package
from tests.registries.atlas import NAME, Atlas, kept_file


def seen_hash(registry: Registry, name: str) -> str | None:
    found = registry.seen(name)
    return None if found is None else found.top_hash


def test_quilt_registry_has_seen_what_was_opened(tmp_path: Path, home: Home) -> None:
    author = Home(tmp_path / "author")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("x\n")
    package = build_package(tmp_path / "data", "lab/x", author, Label("first")).package
    registry = QuiltRegistry(author.registry_uri, home)
    assert registry.seen("lab/x") is None
    assert registry.open("lab/x") == package
    assert seen_hash(QuiltRegistry(author.registry_uri, home), "lab/x") == package.top_hash
    assert registry.seen("lab/other") is None
    assert QuiltRegistry(author.registry_uri, Home(tmp_path / "third")).seen("lab/x") is None


def test_place_without_revisions_has_seen_what_was_there_last(tmp_path: Path, home: Home) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "a.csv").write_text("x\n")
    uri = f"listing+{folder.as_uri()}"
    registry = find_registry(uri, home)
    assert registry.seen("lab/x") is None
    package = registry.open("lab/x")
    (folder / "b.csv").write_text("y\n")
    assert seen_hash(find_registry(uri, home), "lab/x") == package.top_hash, "nobody looked"


def test_atlas_has_seen_the_newest_release_that_is_kept_and_sound(
    tmp_path: Path, home: Home
) -> None:
    atlas = Atlas(f"abc+file://{tmp_path / 'atlas'}", None)
    for version in ("20230830", "20231215"):
        atlas.release(version)
    registry = AbcRegistry(atlas.uri, home)
    assert registry.seen(NAME) is None
    packages = [registry.open(NAME, version) for version in ("20230830", "20231215")]
    assert seen_hash(AbcRegistry(atlas.uri, home), NAME) == packages[1].top_hash
    kept = kept_file(home, "20231215")
    kept.chmod(0o644)
    kept.write_text("damaged")
    assert seen_hash(AbcRegistry(atlas.uri, home), NAME) == packages[0].top_hash
