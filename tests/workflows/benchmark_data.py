"""Small screens with known truth, in the shape that the benchmarks expect."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

FEATURES = [f"Cells_Feature_{number}" for number in range(30)]
GENES = [f"GENE{number:02d}" for number in range(12)]


def write_screen(folder: Path, *, plates: int = 4, seed: int = 5) -> None:
    """Write plates of compounds, knockouts and overexpression; those of the first 6 genes act."""
    rng = np.random.default_rng(seed)
    look = 1.4 * rng.normal(size=(12, 30)) * (np.arange(12) < 6)[:, None]
    for modality in ("compound", "crispr", "orf"):
        twice = 1 if modality == "orf" else 2
        genes = [gene for gene in GENES for _ in range(twice)]
        column = "Metadata_target" if modality == "compound" else "Metadata_gene"
        for plate in range(plates):
            acting = np.repeat(look, twice, axis=0)
            values = np.concatenate([acting, np.zeros((8, 30))])
            values = values + rng.normal(size=values.shape)
            wells = pd.DataFrame(
                {
                    "Metadata_Plate": f"{modality}{plate}",
                    "Metadata_broad_sample": [f"{modality}-{at:02d}" for at in range(len(genes))]
                    + [None] * 8,
                    column: [*genes, *[None] * 8],
                    "Metadata_control_type": [None] * len(genes) + ["negcon"] * 8,
                }
            )
            table = pd.concat([wells, pd.DataFrame(values, columns=FEATURES)], axis=1)
            table.to_csv(folder / f"{modality}{plate}.csv", index=False)


def groups(*modalities: str, plates: int = 4) -> str:
    """Return the groups of a configuration."""
    parts = ['profiles = "{plate}.csv"\n']
    for modality in modalities:
        names = ", ".join(f'"{modality}{at}"' for at in range(plates))
        parts.append(
            f'[[group]]\nmodality = "{modality}"\ncell = "A549"\ntime = "short"\n'
            f"plates = [{names}]\n"
        )
    return "\n".join(parts)


def write_modalities(folder: Path, *, rows: int = 60, seed: int = 2) -> None:
    """Write morphology and expression of three mechanisms; 0_at follows Cells_0."""
    rng = np.random.default_rng(seed)
    kinds = np.arange(rows) % 3
    told = pd.DataFrame(
        {
            "Metadata_perturbation": [f"c{at}" for at in range(rows)],
            "Metadata_group": [f"c{at // 2 * 2 + at % 2}" for at in range(rows)],
            "Metadata_mechanism": [f"mechanism {kind}" for kind in kinds],
        }
    )
    cells = rng.normal(size=(3, 6))[kinds] * 1.5 + rng.normal(size=(rows, 6))
    genes = rng.normal(size=(3, 5))[kinds] * 1.5 + rng.normal(size=(rows, 5))
    genes[:, 0] = 2 * cells[:, 0] + 0.2 * rng.normal(size=rows)
    names = [f"Cells_{at}" for at in range(6)], [f"{at}_at" for at in range(5)]
    for name, values, columns in zip(("cells", "genes"), (cells, genes), names, strict=True):
        table = pd.concat([told, pd.DataFrame(values, columns=columns)], axis=1)
        table.to_csv(folder / f"{name}.csv", index=False)
    (folder / "genes.csv").write_text(
        (folder / "genes.csv").read_text() + "c99,c99,,1,2,3,4,5\nnegcon,negcon,,0,0,0,0,0\n"
    )
