"""The formats that cellfolio knows by itself."""

from __future__ import annotations

from cellfolio.formats.format import Deferred, Format, Formats, with_compression

_HDF5 = b"\x89HDF\r\n\x1a\n"
_NIFTI = (b"\x5c\x01\x00\x00", b"\x00\x00\x01\x5c", b"\x1c\x02\x00\x00", b"\x00\x00\x02\x1c")
"""The size of the header, 348 or 540, in either byte order."""


def _here(module: str, name: str) -> Deferred:
    return Deferred(f"cellfolio.formats.{module}", name)


_TIFF = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
"""Both byte orders, and BigTIFF."""
_IMAGE = _here("images.loading", "read_image")

DEFAULT = Formats(
    (
        Format(
            "csv", with_compression(".csv"), (), _here("tables", "read_csv"),
            "table, values separated by commas", lazy=True,
        ),
        Format(
            "tsv", with_compression(".tsv", ".tab"), (), _here("tables", "read_tsv"),
            "table, values separated by tabs", lazy=True,
        ),
        Format(
            "parquet", (".parquet", ".pq"), (b"PAR1",), _here("tables", "read_parquet"), "table",
            lazy=True,
        ),
        Format(
            "json", with_compression(".json", ".geojson", ".ipynb"), (),
            _here("documents", "read_json"), "dict, list, text or number",
        ),
        Format(
            "jsonl", with_compression(".jsonl", ".ndjson"), (),
            _here("documents", "read_jsonl"), "list, one value for each line",
        ),
        Format(
            "text",
            with_compression(".md", ".txt", ".rst", ".log", ".yml", ".yaml", ".toml"),
            (), _here("documents", "read_text"), "text",
        ),
        Format(
            "npy", (".npy",), (b"\x93NUMPY",), _here("arrays", "read_npy"), "array", lazy=True
        ),
        Format(
            "npz", (".npz",), (), _here("arrays", "read_npz"),
            "arrays by name",
        ),
        Format(
            "mtx", with_compression(".mtx"), (b"%%MatrixMarket", b"%MatrixMarket"),
            _here("counts", "read_mtx"), "CountMatrix with the tables beside it",
        ),
        Format(
            "gct", with_compression(".gct"), (b"#1.2", b"#1.3"), _here("gct", "read_gct"),
            "AnnotatedMatrix",
        ),
        Format(
            "h5ad", (".h5ad",), (_HDF5,), _here("annotated", "read_h5ad"), "AnnData", lazy=True
        ),
        Format("gctx", (".gctx",), (_HDF5,), _here("gctx", "read_gctx"), "AnnotatedMatrix"),
        Format(
            "sqlite", (".sqlite", ".sqlite3", ".db"), (b"SQLite format 3\x00",),
            _here("databases", "read_sqlite"), "Database, or one of its tables",
        ),
        Format(
            "nifti", (".nii", ".nii.gz"), _NIFTI, _here("volumes", "read_nifti"), "Volume, lazy"
        ),
        Format("tiff", (".ome.tiff", ".ome.tif", ".tiff", ".tif"), _TIFF, _IMAGE, "Image, lazy"),
        Format("png", (".png",), (b"\x89PNG\r\n\x1a\n",), _IMAGE, "Image"),
        Format("jpeg", (".jpg", ".jpeg"), (b"\xff\xd8\xff",), _IMAGE, "Image"),
    )
)  # fmt: skip
"""Formats that cellfolio knows by itself."""
