"""Files that are here are read in place, small ones are fetched, large ones are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellfolio.errors import InvalidArgument, ObjectNotFound
from cellfolio.package.entry import Entry
from cellfolio.storage.home import Home
from cellfolio.web.at_hand import source_at_hand
from cellfolio.web.places import find_place
from cellfolio.web.shelf import Shelf


class _Far:
    """A place whose file is in a bucket; asking the bucket would fail the test."""

    def __init__(self, entry: Entry, home: Home) -> None:
        self.entry, self.home = entry, home
        self.package = None
        self.shown = type("Shown", (), {"word": "demo/cells"})


@pytest.mark.parametrize("size", [65_000_000, None])
def test_large_far_file_is_not_fetched_unasked(home: Home, size: int | None) -> None:
    entry = Entry("a/cells.h5ad", "s3://bucket/cells.h5ad", -1 if size is None else size, None)
    with pytest.raises(InvalidArgument, match="not on this machine") as told:
        source_at_hand(_Far(entry, home))  # type: ignore[arg-type]
    assert "cellfolio get 'demo/cells/a/cells.h5ad'" in told.value.hint


def test_file_of_a_folder_is_read_where_it_is(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "screen"
    folder.mkdir()
    (folder / "a.csv").write_text("x\n1\n")
    shelf = Shelf([str(folder)], home)
    place = find_place(shelf, "folder/screen/a.csv")
    assert source_at_hand(place).path == folder / "a.csv"
    (folder / "a.csv").unlink()
    with pytest.raises(ObjectNotFound, match="not where it was"):
        source_at_hand(place)
