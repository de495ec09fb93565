"""A small cell line of the Allen Institute for Cell Science: the tree of `aics/aics_23`, made up.

Names, links, channels and the gap between SCHEMA and info documents are as published; cells,
numbers and sizes are not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellfolio.formats.images import PixelSize, write_ome_tiff
from cellfolio.simulation import ExperimentDesign, simulate_site
from tests.servers import open_data

BUCKET = "cell-lines"
NAME = "aics/aics_23"
VARIABLES = {"CELLFOLIO_MIRROR": f"s3://{open_data.LINES}=s3://{BUCKET}/{open_data.LINES}"}
"""What leads readers of the public bucket to the copy."""
LINE = "line_AICS_23"
PIXEL = PixelSize(x=0.108, y=0.108, z=0.29)
DEPTHS = 6
CHANNELS = ("CMDRX", "CMDRX_2", "EGFP", "EGFP_2", "H3342", "H3342_2", "Bright_100X")
"""Membrane, structure and DNA, each imaged twice, and bright field."""
_FROM = ("AGP", "AGP", "Mito", "Mito", "DNA", "DNA", "RNA")
"""Channels of the simulator that they are made from."""
_FIELDS = (
    ("3500001464", "E6", "20171024_5_Scene_5_P27_E06"),
    ("3500001464", "E6", "20171024_5_Scene_6_P30_E06"),
    ("3500001327", "D4", "20170901_4_Scene_2_P11_D04"),
)
_SEGMENTATIONS = {"cell_segs": "cell", "nuclei_segs": "nuc", "structure_segs": "struct"}

Info = dict[str, Any]


def cell_line(scratch: Path) -> Mapping[str, bytes]:
    """Return the files of the package by logical key."""
    infos = _infos()
    files = {f"{record}/info.json": json.dumps(info).encode() for record, info in infos.items()}
    for number, record in enumerate(name for name in infos if name.startswith("fovs/")):
        files.update(_images(scratch, record, infos[record], number))
    files["README.md"] = (
        b"# AICS-23\n\nTight junctions (ZO-1). Made up, in the layout of the true one.\n"
    )
    files["SCHEMA"] = json.dumps(_schema(infos)).encode()
    return files


def publish_cell_line(client: Any, scratch: Path) -> None:
    """Put the package into the bucket."""
    files = open_data.registry(open_data.LINES, NAME, dict(cell_line(scratch)))
    for key, data in files.items():
        client.put_object(Bucket=BUCKET, Key=key, Body=data)


def _infos() -> dict[str, Info]:
    """Return the info documents by record; each lists what it is linked with."""
    infos: dict[str, Info] = {
        f"lines/{LINE}": {
            "line": "AICS-23",
            "line_id": 27,
            "edits": [{"gene": "TJP1", "fluorescent_protein": "mEGFP"}],
        }
    }
    links = {f"lines/{LINE}": _no_links()}
    for plate, well, place in _FIELDS:
        plate_name = f"plate_{plate}"
        names = {
            "lines": LINE,
            "plates": plate_name,
            "wells": f"{plate_name}_well_{well}",
            "fovs": f"fov_{hashlib.md5(place.encode()).hexdigest()}",
        }
        stem = f"{plate_name}_well_{well}_100X_{place}"
        names.update({kind: f"{start}_{stem}" for kind, start in _SEGMENTATIONS.items()})
        for kind, name in names.items():
            record = f"{kind}/{name}"
            infos.setdefault(record, _facts(kind, plate, well))
            for other, linked in names.items():
                if other != kind:
                    known = links.setdefault(record, _no_links())[other]
                    known += [] if linked in known else [linked]
    for record, info in infos.items():
        own = record.partition("/")[0]
        info.update({kind: names for kind, names in links[record].items() if kind != own})
    return infos


def _no_links() -> dict[str, list[str]]:
    return {kind: [] for kind in ("lines", "plates", "wells", "fovs", *_SEGMENTATIONS)}


def _facts(kind: str, plate: str, well: str) -> Info:
    if kind == "plates":
        return {"plate_barcode": plate, "plate_type": "96-well"}
    if kind == "wells":
        return {"plate_barcode": plate, "well_name": well, "passage": 36}
    if kind == "fovs":
        dyes = [{"dye_name": name, "use": not name.endswith("_2")} for name in CHANNELS]
        return {
            "channels": dyes, "content_type": "100X_zstack", "instrument": "ZSD2",
            "plate_barcode": plate, "well_name": well, "cell_viability": 98.8, "location": None,
        }  # fmt: skip
    return {"plate_barcode": plate, "well_name": well}


def _schema(infos: Mapping[str, Info]) -> dict[str, dict[str, Any]]:
    """Return what the SCHEMA says; it calls the segmentations by their full names."""
    kinds = {
        "lines": "line", "plates": "plate", "wells": "well", "fovs": "fov",
        "cell_segs": "cell_segmentation", "nuclei_segs": "nuclei_segmentation",
        "structure_segs": "structure_segmentation",
    }  # fmt: skip
    full = {kind: f"{kinds[kind]}s" for kind in _SEGMENTATIONS}
    schema: dict[str, dict[str, Any]] = {}
    for kind, word in kinds.items():
        info = next(one for record, one in infos.items() if record.startswith(f"{kind}/"))
        schema[f"unique_{word}_info"] = {
            full.get(name, name): {
                "description": f"{name.replace('_', ' ')} of the {word.replace('_', ' ')}",
                "example_value": value,
                "origin": "baseline",
                "value_types": [f"<type '{_type(value)}'>"],
            }
            for name, value in info.items()
        }
    return schema


def _type(value: object) -> str:
    return "NoneType" if value is None else type(value).__name__


def _images(scratch: Path, record: str, info: Info, number: int) -> Iterator[tuple[str, bytes]]:
    """Yield the stack of a field and of its three segmentations."""
    design = ExperimentDesign(seed=23, plate_count=1, image_shape=(208, 308))
    plate = design.plates[0]
    site = simulate_site(design, plate, design.layout(plate)[number], 1)
    depth = np.exp(-((np.arange(DEPTHS) - DEPTHS / 2) ** 2) / 6)[:, None, None]
    noise = np.random.default_rng(number)
    planes = np.stack([site.channel(name) for name in _FROM]).astype(float)
    stack = noise.poisson(planes * depth[:, None] + 100).astype(np.uint16)
    yield f"{record}/image.ome.tiff", _ome_tiff(scratch, stack, "ZCYX", CHANNELS)
    inside = depth > 0.3
    mito = site.channel("Mito")
    segmented = {
        "cell_segs": site.cells * inside,
        "nuclei_segs": site.nuclei * (depth > 0.5),
        "structure_segs": (mito > np.percentile(mito, 93)) * inside * 255,
    }
    for kind, labels in segmented.items():
        key = f"{kind}/{info[kind][0]}/image.ome.tiff"
        yield key, _ome_tiff(scratch, labels.astype(np.uint16), "ZYX", ())


def _ome_tiff(
    scratch: Path, pixels: NDArray[np.uint16], axes: str, channels: tuple[str, ...]
) -> bytes:
    path = scratch / "image.ome.tiff"
    write_ome_tiff(path, pixels, axes, channels=channels, pixel_size=PIXEL)
    return path.read_bytes()
