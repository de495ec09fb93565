"""Files in the exact shape of each Rosetta data set, with numbers that are known."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cellfolio.metadata.rosetta.sets import FOLDERS, RosettaSet

Row = dict[str, str]
MORPHOLOGY = (
    "Nuclei_AreaShape_Area",
    "Cells_AreaShape_Area",
    "Cytoplasm_Intensity_MeanIntensity_DNA",
    "Cells_Texture_Contrast_ER_10_0",
)
EXPRESSION = ("200814_at", "218597_s_at", "217140_s_at", "209253_at")
METADATA: Mapping[tuple[str, str], Sequence[str]] = {
    ("CDRP", "morphology"): (
        "Metadata_Plate",
        "Metadata_Well",
        "Metadata_Plate_Map_Name",
        "Metadata_broad_sample",
        "Metadata_mmoles_per_liter",
        "Metadata_pert_type",
        "Metadata_moa",
        "Metadata_target",
        "Metadata_Sample_Dose",
    ),
    ("CDRP", "expression"): ("pert_id", "pert_dose", "det_plate", "CPD_NAME", "pert_sample_dose"),
    ("LUAD", "morphology"): (
        "Metadata_Plate",
        "Metadata_Well",
        "Metadata_pert_type",
        "Symbol",
        "x_mutation_status",
    ),
    ("LUAD", "expression"): ("pert_id", "det_plate", "det_well", "allele", "pert_type"),
    ("TA-ORF", "morphology"): (
        "Metadata_Plate",
        "Metadata_Well",
        "Metadata_broad_sample",
        "Metadata_gene_name",
        "Gene Allele Name",
    ),
    ("TA-ORF", "expression"): ("id", "pert_id", "det_plate", "det_well", "x_genesymbol_mutation"),
    ("LINCS", "morphology"): (
        "Metadata_Plate",
        "Metadata_Well",
        "Metadata_broad_sample",
        "Metadata_moa",
        "broad_id",
        "Metadata_dose_recode",
        "Metadata_pert_id_dose",
    ),
    ("LINCS", "expression"): ("cid", "pert_id", "det_plate", "det_well", "moa", "pert_id_dose"),
}
"""Columns in the order of the real files, as the authors' summary of their metadata lists them."""
KEYS: Mapping[tuple[str, str], Sequence[str]] = {
    ("CDRP", "morphology"): ("BRD-K18250272-003-03-7_6.05", "BRD-K18316707-001-01-9_10.0"),
    ("CDRP", "expression"): ("BRD-K18250272-001-01-2_6.05", "BRD-K18316707-001-01-9_10.0"),
    ("LUAD", "morphology"): ("TP53_p.R280G", "STK11_p.D194Y.unin.fs"),
    ("LUAD", "expression"): ("TP53_p.R280G", "RAF1_WT.c"),
    ("TA-ORF", "morphology"): ("ccsbBroad304_00117", "BRDN0000464975"),
    ("TA-ORF", "expression"): ("BRDN0000464975", "BRDN0000403014"),
    ("LINCS", "morphology"): ("BRD-A62035778_10.0", "BRD-A62035778_0.37"),
    ("LINCS", "expression"): ("BRD-A62035778_10", "BRD-K25114078_0.37"),
}
"""Two perturbations, spelled as in the real files."""
PLATES = ("P1", "P2", "P3")


@dataclass(frozen=True)
class Made:
    """A file that was made, and what is in it.

    Attributes
    ----------
    folder, path : Path
        Of the data set; the file.
    rows : list of dict
    features : tuple of str
    """

    folder: Path
    path: Path
    rows: list[Row]
    features: tuple[str, ...]


def shape_of(data_set: RosettaSet) -> str:
    """Return the data set whose shape this one has."""
    return "CDRP" if data_set.name == "CDRP-bio" else data_set.name


def make(folder: Path, data_set: RosettaSet, modality: str, control: str = "negcon") -> Made:
    """Write the default file of a modality: two perturbations and controls on three plates."""
    shape = shape_of(data_set), modality
    side = data_set.side(modality)
    features = MORPHOLOGY if modality == "morphology" else EXPRESSION
    rows: list[Row] = []
    for plate in PLATES:
        for well, key in enumerate((*KEYS[shape], control, control)):
            row = {name: f"{name} of {key}" for name in METADATA[shape]}
            row |= {side.key: key, side.plate: plate}
            row |= {name: f"A{well + 1:02}" for name in row if name.lower().endswith("_well")}
            if side.mechanism:
                row[side.mechanism] = "" if key == control else f"CDK Inhibitor {key[:6]}"
            for at, feature in enumerate(features, start=1):
                row[feature] = repr(((len(rows) * 37 + at * at * 11) % 23) / 8 - at)
            rows.append(row)
    path = folder / data_set.folder / FOLDERS[modality] / f"{side.file(None)}.csv.gz"
    write(path, rows)
    return Made(folder / data_set.folder, path, rows, features)


def write(path: Path, rows: Sequence[Row]) -> None:
    """Write rows as a table."""
    lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
    path.parent.mkdir(parents=True, exist_ok=True)
    content = "".join(f"{line}\n" for line in lines).encode()
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
