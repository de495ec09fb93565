"""The cardiomyocyte study in small: all documented tables, three fields of two cells, one empty."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

WELLS = ("B2", "B3", "C3", "B4")
PLACES = tuple(
    f"raw/2019/20190807_M01_001_c - {well} [144] Montage - {at}"
    for at, well in enumerate(WELLS, start=1)
)
IMAGES = tuple(
    f"5500000013_63X_20190807_S1_P{at}_{well}_annotations_corrected"
    for at, well in enumerate(WELLS, start=1)
)
FILES = {
    "fields": "2d_segmented_fields/metadata.csv",
    "structure_scores": "2d_segmented_fields/supporting_files/structure_scores.csv",
    "images": "2d_autocontrasted_fields_and_single_cells/metadata.csv",
    "features": "2d_autocontrasted_single_cell_features/features/a749d0e2_cp_features.csv",
    "structure": "automated_local_and_global_structure/metadata.csv",
    "probe_localization": "probe_localization/metadata.csv",
    "probe_structure_classifier": "probe_structure_classifier/metadata.csv",
    "nuclear_masks": "2d_nuclear_masks/metadata.csv",
    "actn2_segmentation": "3d_actn2_segmentation/metadata.csv",
}


def study_tables() -> dict[str, pd.DataFrame]:
    """Return the tables by name; field and cell are named as each of them does."""
    cells = [(field, cell) for field in range(3) for cell in (1, 2)]
    place = [PLACES[field] for field, _ in cells]
    number = [cell for _, cell in cells]
    raw = [f"{one}_C0.tif" for one in place]
    fields = pd.DataFrame(
        {
            "fov_id": [10, 11, 12, 13],
            "original_fov_location": PLACES,
            "2D_fov_tiff_path": [f"2D_fov_tiff_path/1a2b3c4d_{one}.tiff" for one in IMAGES],
        }
    )
    return {
        "fields": fields,
        "images": pd.DataFrame(
            {
                "fov_id": [10 + field for field, _ in cells],
                "original_fov_location": place,
                "rescaled_2D_fov_tiff_path": [f"fov/{IMAGES[field]}.tiff" for field, _ in cells],
                "cell_label_value": number,
                "rescaled_2D_single_cell_tiff_path": [
                    f"rescaled_2D_single_cell_tiff_path/{IMAGES[field]}_rescaled_cell{cell}.ome.tiff"
                    for field, cell in cells
                ],
            }
        ),
        "structure_scores": pd.DataFrame(
            {
                "cell_num": number,
                "file_name": [f"{IMAGES[field]}.Actn2_cell{cell}.jpg" for field, cell in cells],
                "mh_score": [1, 2, 3, 4, 5, 3],
            }
        ),
        "features": pd.DataFrame(
            {
                "fov_path": [
                    one.rpartition("/")[2] for one in place
                ],  # "basename", says its README
                "napariCell_ObjectNumber": number,
                "cell_age": [18] * 6,
                "napariCell_AreaShape_Area": [100, 101, 110, 111, 120, 121],
                "cell_border": [True, False] * 3,
            }
        ),
        "structure": pd.DataFrame(
            {
                "CellId": range(6),
                "original_fov_location": place,
                "napariCell_ObjectNumber": number,
                "Age": [18] * 6,
                "Peak_Height": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
            }
        ),
        "probe_localization": pd.DataFrame(
            {
                "original_fov_location": raw,
                "object_number": number,
                "cell_age": [19] * 6,
                "age": [19] * 6,
                "probe_561": ["MYH6", "TTN"] * 3,
            }
        ),
        "probe_structure_classifier": pd.DataFrame(
            {
                "original_fov_location": place,
                "napariCell_ObjectNumber": number,
                "nuc_mask_path": ["x"] * 6,
                "cell_px": range(6),
            }
        ),
        "nuclear_masks": pd.DataFrame(
            {
                "original_fov_location": [*raw[::2], PLACES[3]],
                "nuc_mask_path": [f"nuc/{at}.tiff" for at in range(4)],
            }
        ),
        "actn2_segmentation": pd.DataFrame(
            {"original_fov_location": PLACES[:2], "struc_seg_path": ["seg/1.tiff", "seg/2.tiff"]}
        ),
    }


def write_study(folder: Path) -> Path:
    """Write the study as a folder, with the images of its cells."""
    tables = study_tables()
    for name, file in FILES.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        tables[name].to_csv(path, index=False)
    images = folder / "2d_autocontrasted_fields_and_single_cells"
    for at, key in enumerate(tables["images"]["rescaled_2D_single_cell_tiff_path"]):
        path = images / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes([at]) * 100)
    return folder
