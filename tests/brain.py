"""A made-up brain in the tables, matrices and volumes of the Allen Brain Cell Atlas.

Names of directories, files and columns are the atlas's, and so are classes, subclasses and their
colours; shapes, cells and values come from a seed.
"""

from __future__ import annotations

import io
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import anndata
import nibabel
import numpy as np
import pandas as pd
import scipy.sparse

Files = dict[tuple[str, str, str], bytes]
"""Directory, kind and listed name → content."""

MERFISH = "MERFISH-C57BL6J-638850"
SPACING = 0.2
SHAPE = (66, 40, 57)
"""Voxels from front to back, top to bottom, right to left."""
GENES = {
    "Slc17a7": "ENSMUSG00000070570",
    "Gad2": "ENSMUSG00000026787",
    "Slc17a6": "ENSMUSG00000030500",
    "Aqp4": "ENSMUSG00000024411",
    "Mog": "ENSMUSG00000076439",
    "Snap25": "ENSMUSG00000027273",
}
_TAXONOMY = (
    # class, its colour, subclass, its colour, neurotransmitter, the gene that marks it
    ("01 IT-ET Glut", "#FA0087", "006 L4/5 IT CTX Glut", "#3DCCB7", "Glut", "Slc17a7"),
    ("07 CTX-MGE GABA", "#f954ee", "052 Pvalb Gaba", "#661F3B", "GABA", "Gad2"),
    ("18 TH Glut", "#0D47A1", "151 TH Prkcd Grin2c Glut", "#68e497", "Glut", "Slc17a6"),
    ("30 Astro-Epen", "#594a26", "318 Astro-NT NN", "#AD5CCC", "", "Aqp4"),
    ("30 Astro-Epen", "#594a26", "319 Astro-TE NN", "#3DCCB1", "", "Aqp4"),
    ("31 OPC-Oligo", "#03045E", "327 Oligo NN", "#99FFBC", "", "Mog"),
)
_TRANSMITTERS = {"Glut": "#2B93DF", "GABA": "#FF3358", "": "#666666"}
_STRUCTURES = (
    # index, division, structure, substructure, colour
    (1, "Isocortex", "SSp-bfd", "SSp-bfd4", "#188064"),
    (2, "TH", "VPM", "VPM", "#FF8084"),
    (3, "fiber tracts", "cc", "ccb", "#CCCCCC"),
)
_LIKELY = {1: (6, 2, 0, 0, 1, 1), 2: (0, 1, 6, 1, 0, 1), 3: (0, 0, 0, 1, 1, 6)}
"""Structure → weight of each cluster."""


def annotation() -> np.ndarray[Any, Any]:
    """Structure of each voxel: cortex around white matter around thalamus; 0 is outside."""
    axes = (np.linspace(-1, 1, size) for size in SHAPE)
    radius = np.sqrt(sum(axis**2 for axis in np.meshgrid(*axes, indexing="ij", sparse=True)))
    return np.select([radius < 0.45, radius < 0.6, radius < 0.95], [2, 3, 1], 0).astype(np.int32)


def _volume(data: np.ndarray[Any, Any]) -> bytes:
    # The Common Coordinate Framework: to posterior, inferior, right.
    affine = np.array([[0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1.0]])
    affine[:3, :3] *= SPACING
    image = nibabel.Nifti1Image(data, affine)
    image.header.set_xyzt_units("mm")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "volume.nii.gz")
        nibabel.save(image, path)
        return path.read_bytes()


def _csv(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False).encode()


def _taxonomy() -> Files:
    names = ["class", "class_color", "subclass", "subclass_color", "neurotransmitter", "marker"]
    table = pd.DataFrame(_TAXONOMY, columns=names)
    table["cluster_alias"] = range(11, 11 + len(table))
    table["supertype"] = [f"{name}_1" for name in table["subclass"]]
    table["cluster"] = [f"{n:04d} {name}" for n, name in enumerate(table["supertype"])]
    table["neurotransmitter_color"] = table["neurotransmitter"].map(_TRANSMITTERS)
    table["supertype_color"] = table["cluster_color"] = table["subclass_color"]
    levels = ["neurotransmitter", "class", "subclass", "supertype", "cluster"]
    start = "cluster_to_cluster_annotation_membership"
    directory = ("WMB-taxonomy", "metadata")
    return {
        (*directory, f"{start}_pivoted"): _csv(table[["cluster_alias", *levels]]),
        (*directory, f"{start}_color"): _csv(
            table[["cluster_alias", *(f"{one}_color" for one in levels)]]
        ),
    }


def _parcellation() -> Files:
    levels = ["division", "structure", "substructure"]
    acronyms = pd.DataFrame(
        [(0, *["unassigned"] * 3), *(one[:4] for one in _STRUCTURES)],
        columns=["parcellation_index", *levels],
    )
    colours = pd.DataFrame(
        [(0, *["#000000"] * 3), *((one[0], *[one[4]] * 3) for one in _STRUCTURES)],
        columns=["parcellation_index", *(f"{one}_color" for one in levels)],
    )
    start = "parcellation_to_parcellation_term_membership"
    directory = ("Allen-CCF-2020", "metadata")
    return {
        (*directory, f"{start}_acronym"): _csv(acronyms),
        (*directory, f"{start}_color"): _csv(colours),
    }


def cells(count: int = 2400) -> pd.DataFrame:
    """Cells of three sections: two have no coordinates, one a cluster that nobody knows."""
    chance = np.random.default_rng(7)
    inside = np.argwhere(annotation() > 0)
    sections = np.array([18, 30, 42])
    inside = inside[np.isin(inside[:, 0], sections)]
    voxels = inside[chance.choice(len(inside), count, replace=False)]
    structure = annotation()[tuple(voxels.T)]
    clusters = np.array(
        [chance.choice(len(_TAXONOMY), p=np.divide(w := _LIKELY[one], sum(w))) for one in structure]
    )
    places = (voxels + chance.uniform(-0.5, 0.5, voxels.shape)) * SPACING
    table = pd.DataFrame(
        {
            "cell_label": [f"10180933{n:08d}" + ("-1" if n % 9 == 0 else "") for n in range(count)],
            "brain_section_label": [f"C57BL6J-638850.{one}" for one in voxels[:, 0]],
            "cluster_alias": clusters + 11,
            "feature_matrix_label": "C57BL6J-638850",
            "x": places[:, 2].round(4),
            "y": places[:, 1].round(4),
            "z": (voxels[:, 0] * SPACING).round(4),
            "x_ccf": places[:, 0].round(4),
            "parcellation_index": structure,
        }
    )
    table.loc[5, "cluster_alias"] = 99
    return table


def _expression(table: pd.DataFrame) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Counts, and log2 of them, of each cell and gene."""
    chance = np.random.default_rng(8)
    markers = {n + 11: one[5] for n, one in enumerate(_TAXONOMY)}
    counts = chance.poisson(0.2, (len(table), len(GENES)))
    for column, gene in enumerate(GENES):
        mine = (table["cluster_alias"].map(markers) == gene).to_numpy()
        counts[mine, column] += chance.poisson(9, int(mine.sum()))
    counts[:, list(GENES).index("Snap25")] += np.where(table["cluster_alias"] < 14, 6, 0)
    raw = counts.astype(np.float32)
    return raw, np.log2(raw + 1)


def _h5ad(values: np.ndarray[Any, Any], labels: list[str]) -> bytes:
    data = anndata.AnnData(
        scipy.sparse.csr_matrix(values),
        obs=pd.DataFrame(index=pd.Index(labels, name="cell_label")),
        var=pd.DataFrame(
            {"gene_symbol": list(GENES)}, index=pd.Index(GENES.values(), name="gene_identifier")
        ),
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "cells.h5ad")
        data.write_h5ad(path)
        return path.read_bytes()


@cache
def brain_files() -> Files:
    """All files: taxonomy, parcellation, cells, coordinates, genes, matrices, volumes."""
    table = cells()
    raw, log2 = _expression(table)
    labels = table["cell_label"].tolist()
    # A matrix is in another order than the table, and lacks a cell.
    order = np.random.default_rng(9).permutation(len(table))[:-1]
    gene = pd.DataFrame({"gene_identifier": GENES.values(), "gene_symbol": GENES.keys()})
    labelled = table.drop(columns=["x", "y", "z"]).rename(columns={"x_ccf": "x"})
    ccf = labelled.assign(y=table["y"], z=table["x"])[
        ["cell_label", "x", "y", "z", "parcellation_index"]
    ]
    section = table[["cell_label", "x", "y", "z", "parcellation_index"]]
    volume = annotation()
    template = np.where(volume > 0, 60 + 40 * volume, 0) + np.random.default_rng(3).integers(
        0, 12, SHAPE
    ) * (volume > 0)
    mine = np.array(labels)[order].tolist()
    return {
        **_taxonomy(),
        **_parcellation(),
        (MERFISH, "metadata", "cell_metadata"): _csv(
            table.drop(columns=["x_ccf", "parcellation_index"])
        ),
        (MERFISH, "metadata", "gene"): _csv(gene),
        (f"{MERFISH}-CCF", "metadata", "ccf_coordinates"): _csv(ccf.drop(index=[3, 4])),
        (f"{MERFISH}-CCF", "metadata", "reconstructed_coordinates"): _csv(section),
        (MERFISH, "expression_matrices", "C57BL6J-638850/log2"): _h5ad(log2[order], mine),
        (MERFISH, "expression_matrices", "C57BL6J-638850/raw"): _h5ad(raw[order], mine),
        ("Allen-CCF-2020", "image_volumes", "annotation_25"): _volume(volume),
        ("Allen-CCF-2020", "image_volumes", "average_template_25"): _volume(
            template.astype(np.int16)
        ),
    }


def expression(kind: str) -> pd.DataFrame:
    """Values as the matrices have them, of all cells but the one they lack."""
    table = cells()
    raw, log2 = _expression(table)
    order = np.random.default_rng(9).permutation(len(table))[:-1]
    values = pd.DataFrame(
        raw if kind == "raw" else log2, index=table["cell_label"], columns=list(GENES)
    )
    return values.iloc[np.sort(order)]


def read(files: Files, directory: str, name: str) -> pd.DataFrame:
    """Read one of the tables again."""
    data = io.BytesIO(files[directory, "metadata", name])
    return pd.read_csv(data, dtype={"cell_label": str})
