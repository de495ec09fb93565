"""Placing files while others change the store."""

from __future__ import annotations

import threading
from pathlib import Path

from cellfolio.storage.placing import Placer


def test_links_are_made_while_the_blob_is_put_again(tmp_path: Path) -> None:
    """Another process that fetched the same blob renames its copy over ours."""
    blob = tmp_path / "blob"
    blob.write_bytes(b"same")
    over = threading.Event()

    def put_again() -> None:
        number = 0
        while not over.is_set():
            number += 1
            copy = tmp_path / f"copy{threading.get_ident()}-{number}"
            copy.write_bytes(b"same")
            copy.replace(blob)

    threads = [threading.Thread(target=put_again) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        placer = Placer(tmp_path / "out", "link")
        for number in range(3000):
            placer.place(blob, f"f{number}", replace=False)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert all((tmp_path / "out" / f"f{n}").read_bytes() == b"same" for n in range(3000))
