"""A package of the shape of ``aics/aics_23``, in small, as Quilt 2 laid it out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from cellfolio.formats.images import write_ome_tiff

LINE = "line_AICS_23"
DYES = (("DNA", True), ("DNA_2", False), ("EGFP", True), ("Membrane", True), ("Membrane_2", False))
Documents = dict[tuple[str, str], dict[str, Any]]


def documents(plates: int = 2, wells: int = 2, fovs: int = 1) -> Documents:
    """Return info documents by kind and name; every record lists all that it is related to."""
    found: Documents = {}
    for plate_number in range(plates):
        for well_number in range(wells):
            for fov_number in range(fovs):
                _add_field(found, plate_number, well_number, fov_number)
    return found


def _add_field(found: Documents, plate_number: int, well_number: int, fov_number: int) -> None:
    plate = f"plate_{3500001327 + plate_number}"
    well = f"{plate}_well_{'ABCDEFGH'[well_number % 8]}{well_number // 8 + 1}"
    number = (plate_number * 1000 + well_number) * 1000 + fov_number
    scene = f"{well}_100X_20171024_{fov_number}"
    names = {
        "lines": LINE,
        "plates": plate,
        "wells": well,
        "fovs": f"fov_{number * 2654435761 % 2**32:032x}",
        "cell_segs": f"cell_{scene}",
        "nuclei_segs": f"nuc_{scene}",
        "structure_segs": f"struct_{scene}",
    }
    for kind, name in names.items():
        info = found.setdefault((kind, name), {})
        for other, other_name in names.items():
            if other != kind and other_name not in info.setdefault(other, []):
                info[other].append(other_name)
    found["lines", LINE] |= {"line": "AICS-23", "line_id": 27, "edits": [{"gene": "TJP1"}]}
    found["fovs", names["fovs"]] |= {
        "channels": [{"dye_name": name, "use": use} for name, use in DYES],
        "clone": "20",
        "passage": 36 if well_number else None,
        "plate_barcode": plate.removeprefix("plate_"),
    }


def write_tree(folder: Path, found: Mapping[tuple[str, str], Any], end: str = "info/load") -> Path:
    """Write documents, and images of fields and segmentations."""
    for (kind, name), info in found.items():
        write(folder / kind / name / end, json.dumps(info))
        if kind not in ("lines", "plates", "wells"):
            image = folder / kind / name / end.replace("info", "image")
            image.parent.mkdir(parents=True, exist_ok=True)
            image.write_bytes(image_bytes(len(DYES) if kind == "fovs" else 1))
    write(folder / "README", "# AICS-23\n")
    return folder


@lru_cache
def image_bytes(channels: int) -> bytes:
    """Return an OME-TIFF of 2 × `channels` × 4 × 5 pixels, which count from 0."""
    shape, axes = (2, channels, 4, 5), "ZCYX"
    pixels = np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)
    with TemporaryDirectory() as folder:
        path = Path(folder, "image.ome.tiff")
        write_ome_tiff(path, pixels, axes)
        return path.read_bytes()


def write(path: Path, text: str) -> None:
    """Write a file and the folders that it is in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def schema() -> dict[str, Any]:
    """Return a SCHEMA document that describes these documents."""
    types: dict[str, list[str]] = {
        "line": ["str"],
        "line_id": ["int"],
        "edits": ["list"],
        "channels": ["list"],
        "clone": ["str", "unicode"],
        "passage": ["int", "NoneType"],
        "plate_barcode": ["str"],
    }
    long = {f"{one}_segs": f"{one}_segmentations" for one in ("cell", "nuclei", "structure")}
    found: dict[str, Any] = {}
    for (kind, _), info in documents().items():
        key = f"unique_{long.get(kind, kind).removesuffix('s')}_info"
        found[key] = {
            long.get(name, name): {
                "description": f"the {name}",
                "example_value": None if name in long or name not in types else value,
                "origin": "baseline",
                "value_types": [f"<type '{one}'>" for one in types.get(name, ["list"])],
            }
            for name, value in info.items()
        }
    return found
