"""The tables of the cardiomyocyte study, and where they are in its packages."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DataSetTable:
    """A table of the study.

    Attributes
    ----------
    name : str
        What it is called here.
    files : tuple of str
        Globs over logical keys where it may be, the preferred first: as published, then in
        earlier forms.
    of_cells : bool
        Whether it has a row for each cell; else, for each field.
    """

    name: str
    files: tuple[str, ...]
    of_cells: bool = True


TABLES = (
    DataSetTable(
        "fields",
        ("**/2d_segmented_fields/metadata.csv", "**/labkey_fov_metadata.csv"),
        of_cells=False,
    ),
    DataSetTable(
        "images",
        (
            "**/2d_autocontrasted_fields_and_single_cells/metadata.csv",
            "**/output_normalized_image_manifest.csv",
        ),
    ),
    DataSetTable(
        "structure_scores",
        (
            "**/2d_segmented_fields/**/*structure_scores_fov.csv",
            "**/2d_segmented_fields/**/*structure_scores.csv",
            "**/structure_scores_fov.csv",
            "**/structure_scores.csv",
        ),
    ),
    DataSetTable(
        "features", ("**/2d_autocontrasted_single_cell_features/features/*cp_features.csv",)
    ),
    DataSetTable(
        "structure",
        (
            "**/automated_local_and_global_structure/metadata.csv",
            "**/assay_dev_fish_analysis/metadata.csv",
        ),
    ),
    DataSetTable("probe_localization", ("**/probe_localization/metadata.csv",)),
    DataSetTable("probe_structure_classifier", ("**/probe_structure_classifier/metadata.csv",)),
    DataSetTable(
        "nuclear_masks",
        ("**/2d_nuclear_masks/metadata.csv", "**/segmented_nuc_labels/metadata.csv"),
        of_cells=False,
    ),
    DataSetTable("actn2_segmentation", ("**/3d_actn2_segmentation/metadata.csv",), of_cells=False),
)
"""The tables that are joined, in the order of their columns."""
