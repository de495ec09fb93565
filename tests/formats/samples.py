"""A valid file of each format, written by another implementation where there is one."""

from __future__ import annotations

import gzip
import io
import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cellfolio.formats.databases import Database
from cellfolio.formats.images.image import Image
from cellfolio.formats.matrix import AnnotatedMatrix, CountMatrix
from cellfolio.formats.parquet import same_table
from cellfolio.formats.volumes import Volume

GCT = (
    "#1.3\n2\t3\t1\t2\n"
    "id\tsymbol\ts1\ts2\ts3\n"
    "dose\tna\t1.5\t2\t10\n"
    "name\tna\tDMSO\ttaxol\tNA\n"
    "g1\tTP53\t0.1\t-2\t3e-5\n"
    "g2\tKRAS\t1\t2\t3\n"
)


def table(rows: int = 300) -> pd.DataFrame:
    """Return a table with every type that a CSV can have."""
    rng = np.random.default_rng(5)
    return pd.DataFrame(
        {
            "well": [f"A{number:02d}" for number in range(rows)],
            "count": rng.integers(0, 1000, rows),
            "area": rng.normal(size=rows),
            "gaps": np.where(rng.random(rows) < 0.1, np.nan, rng.random(rows)),
            "ok": rng.random(rows) < 0.5,
            "drug": np.where(rng.random(rows) < 0.2, 'a, "b"\nc', "DMSO"),
        }
    )


def write_table(path: Path) -> None:
    table().to_csv(path, index=False)


def write_table_zst(path: Path) -> None:
    import pyarrow as pa

    with pa.CompressedOutputStream(pa.OSFile(str(path), "wb"), "zstd") as stream:
        stream.write(table().to_csv(index=False).encode())


def write_parquet(path: Path) -> None:
    table().to_parquet(path)


def write_json(path: Path) -> None:
    path.write_text(json.dumps({"wells": ["A01", "µ"], "n": [1, 2.5, None]}))


def write_jsonl_gz(path: Path) -> None:
    text = "".join(json.dumps({"n": number}) + "\n" for number in range(200))
    path.write_bytes(gzip.compress(text.encode()))


def write_text_gz(path: Path) -> None:
    path.write_bytes(gzip.compress("# Pilot\n\nµm\n".encode() * 50))


def write_npy(path: Path) -> None:
    np.save(path, np.arange(600, dtype=">f4").reshape(20, 30, order="F"))


def write_npz(path: Path) -> None:
    np.savez_compressed(path, a=np.arange(500), b=np.ones((3, 3), dtype=bool))


def write_mtx(path: Path) -> None:
    import scipy.io
    import scipy.sparse as sp

    stream = io.BytesIO()
    scipy.io.mmwrite(stream, sp.random(50, 30, 0.2, random_state=2))
    path.write_bytes(gzip.compress(stream.getvalue()))


def write_gct(path: Path) -> None:
    path.write_bytes(gzip.compress(GCT.encode()))


def write_gctx(path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file.attrs["version"] = "GCTX1.0"
        # 3 samples × 4 genes: samples first, as in the files of LINCS.
        file["0/DATA/0/matrix"] = np.arange(12, dtype=np.float32).reshape(3, 4)
        file["0/META/ROW/id"] = np.array([b"g1", b"g2", b"g3", b"g4"])
        file["0/META/ROW/pr_is_lm"] = np.array([1, 1, 0, 0])
        file["0/META/COL/id"] = np.array([b"s1", b"s2", b"s3"])


def write_h5ad(path: Path) -> None:
    import anndata

    counts = np.random.default_rng(1).poisson(1, (40, 20)).astype(np.float32)
    anndata.AnnData(
        counts, pd.DataFrame({"day": range(40)}, index=list(map(str, range(40))))
    ).write(path)


def write_sqlite(path: Path) -> None:
    connection = sqlite3.connect(path)
    table().to_sql("Per Image", connection, index=False)
    connection.execute("CREATE VIEW few AS SELECT well FROM 'Per Image' LIMIT 3")
    connection.commit()
    connection.close()


def write_nifti(path: Path) -> None:
    import nibabel

    data = np.arange(6 * 7 * 8, dtype=np.int16).reshape(6, 7, 8)
    nibabel.save(nibabel.Nifti1Image(data, np.diag([2.0, 3.0, 4.0, 1.0])), path)


def write_png(path: Path) -> None:
    import imagecodecs

    path.write_bytes(imagecodecs.png_encode(np.arange(2400, dtype=np.uint16).reshape(40, 60)))


def write_jpeg(path: Path) -> None:
    import imagecodecs

    pixels = np.random.default_rng(0).integers(0, 255, (32, 48, 3), dtype=np.uint8)
    path.write_bytes(imagecodecs.jpeg8_encode(pixels))


@dataclass(frozen=True)
class Sample:
    """How to write a valid file, and whether its end can be told from its bytes."""

    name: str
    write: Callable[[Path], None]
    ends: bool = True


SAMPLES = (
    Sample("table.csv", write_table, ends=False),
    Sample("table.csv.gz", write_table),
    Sample("table.csv.bz2", write_table),
    Sample("table.csv.xz", write_table),
    Sample("table.csv.zst", write_table_zst),
    Sample("table.parquet", write_parquet),
    Sample("info.json", write_json),
    Sample("lines.jsonl.gz", write_jsonl_gz),
    Sample("README.md.gz", write_text_gz),
    Sample("array.npy", write_npy),
    Sample("arrays.npz", write_npz),
    Sample("counts.mtx.gz", write_mtx),
    Sample("genes.gct.gz", write_gct),
    Sample("genes.gctx", write_gctx),
    Sample("cells.h5ad", write_h5ad),
    Sample("screen.sqlite", write_sqlite),
    Sample("volume.nii", write_nifti),
    Sample("volume.nii.gz", write_nifti),
    Sample("picture.png", write_png),
    Sample("picture.jpg", write_jpeg),
)


def content(value: Any) -> Any:
    """Read all of what a loader returned, so that two can be compared."""
    match value:
        case Volume():
            return (np.asarray(value.data), value.spacing, value.orientation, value.affine)
        case Database():
            return {name: value.read(name) for name in value.tables}
        case CountMatrix():
            return (value.counts.toarray(), value.rows, value.columns)
        case AnnotatedMatrix():
            return (value.values, value.rows, value.columns)
        case Image():
            return (value.axes, value.channels, value.read())
        case _ if hasattr(value, "obs"):
            return (np.asarray(value.X), value.obs, value.var)
    return value


def equal(one: Any, other: Any) -> bool:
    """Whether two contents are the same."""
    if type(one) is not type(other):
        return False
    if isinstance(one, pd.DataFrame):
        return same_table(one, other) and one.index.equals(other.index)
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    if isinstance(one, (tuple, list)):
        return len(one) == len(other) and all(map(equal, one, other))
    if hasattr(one, "items"):
        return list(one) == list(other) and all(equal(one[key], other[key]) for key in one)
    return bool(one == other)
