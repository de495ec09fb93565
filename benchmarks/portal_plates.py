"""How long the pictures of plates take: all wells, the first time and again; a map; a well.

    python -m benchmarks.portal_plates

Plates are made in a temporary folder, of images as an Opera Phenix writes them, with a file for
each channel. Times are of requests to a portal on this machine, by a client that reads all of the
answer; *first* is with nothing kept in the home, *new portal* with what an earlier portal kept.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import tifffile

from cellfolio.registries.plates import PLATES, ImageName
from cellfolio.storage.home import Home
from cellfolio.web.serving import Portal, ServeOptions

FEATURES = 5_800


@dataclass(frozen=True, slots=True)
class PlateTime:
    """A time that was measured.

    Attributes
    ----------
    what : str
    seconds : float
    size : int
        Bytes of the answer.
    """

    what: str
    seconds: float
    size: int


def write_plate(
    folder: Path, wells: int, side: int, channels: Sequence[int], compression: str | None
) -> Path:
    """Write the images and the profiles of a plate."""
    random = np.random.default_rng(0)
    images = folder / "images" / "P1"
    images.mkdir(parents=True)
    noise = random.gamma(2.0, 120.0, (side, side)).astype(np.uint16)
    shape = PLATES[wells]
    for well in shape.wells():
        for channel in channels:
            pixels = np.roll(noise, (well.row * 31, well.column * 17 + channel), (0, 1))
            name = str(ImageName(well.row, well.column, 1, 1, channel))
            tifffile.imwrite(
                images / name, pixels, compression=compression,
                predictor=None, rowsperstrip=1 if compression else None,
            )  # fmt: skip
    _write_profiles(folder, wells, random)
    return folder


def _write_profiles(folder: Path, wells: int, random: np.random.Generator) -> None:
    import pandas as pd

    values = random.normal(size=(wells, FEATURES))
    table = pd.DataFrame(values, columns=[f"Cells_Feature_{at}" for at in range(FEATURES)])
    names = [str(well) for well in PLATES[wells].wells()]
    told = pd.DataFrame(
        {
            "Metadata_Plate": "P1",
            "Metadata_Well": names,
            "Metadata_perturbation": [f"compound {at % 90}" for at in range(wells)],
            "Metadata_control_type": ["negcon" if at % 12 == 0 else "trt" for at in range(wells)],
        }
    )
    pd.concat([told, table], axis=1).to_parquet(folder / "profiles.parquet")


def measure(
    folder: Path,
    home: Path,
    *,
    repeats: int = 5,
) -> list[PlateTime]:
    """Return what requests of a plate take, in seconds; the median where they are repeated."""
    found: list[PlateTime] = []
    channels = "&channel=DNA"
    with httpx.Client(trust_env=False, timeout=300) as client:
        for portal_name in ("first", "new portal"):
            portal = Portal([str(folder)], Home(home), ServeOptions(port=0)).start()
            try:
                root = portal.url.split("/package/")[0]
                name = portal.url.split("/package/")[1]
                plate = f"{name}?plate=P1"
                _ask(client, f"{root}/api/plates/{name}")
                for what, path in (
                    ("montage, one channel", f"montage/{plate}{channels}"),
                    ("montage, all channels", f"montage/{plate}"),
                ):
                    seconds, size = _ask(client, f"{root}/api/{path}")
                    found.append(PlateTime(f"{what}, {portal_name}", seconds, size))
                    again = [_ask(client, f"{root}/api/{path}") for _ in range(repeats)]
                    median = sorted(again)[len(again) // 2]
                    found.append(PlateTime(f"{what}, again", *median))
                for what, path in (
                    ("map of a feature", f"api/wells/{plate}&colour=Cells_Feature_5000"),
                    ("names of features", f"api/columns/{plate}"),
                    ("panel of a well", f"well/{plate}&well=C05&part=1"),
                ):
                    times = [_ask(client, f"{root}/{path}") for _ in range(repeats)]
                    found.append(
                        PlateTime(f"{what}, {portal_name}", *sorted(times)[len(times) // 2])
                    )
            finally:
                portal.stop()
    return found


def _ask(client: httpx.Client, url: str) -> tuple[float, int]:
    started = time.perf_counter()
    answer = client.get(url)
    seconds = time.perf_counter() - started
    answer.raise_for_status()
    return seconds, len(answer.content)


def main() -> None:
    """Make a plate, and print what its pages take."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wells", type=int, default=384, choices=sorted(PLATES))
    parser.add_argument("--side", type=int, default=1080)
    parser.add_argument("--channels", type=int, default=5)
    parser.add_argument("--compression", choices=("lzw", "zlib"), default=None)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = write_plate(
            Path(place, "plate"), asked.wells, asked.side,
            range(1, asked.channels + 1), asked.compression,
        )  # fmt: skip
        for one in measure(folder, Path(place, "home")):
            print(f"{one.what:42} {one.seconds * 1e3:9.1f} ms {one.size:10,} B")


if __name__ == "__main__":
    main()
