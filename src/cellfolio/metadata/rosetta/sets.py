"""What the five Rosetta data sets are: files, key columns, plates, annotations, expected numbers.

Each has profiles of two modalities, morphology (Cell Painting) and expression (L1000), of the same
perturbations. Facts are those of Haghighi et al. (2022), their README, and their code that reads
the files [1]_.

References
----------
.. [1] https://doi.org/10.1038/s41592-022-01667-0,
   https://github.com/carpenter-singh-lab/2022_Haghighi_NatureMethods
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cellfolio.errors import InvalidArgument

MODALITIES = ("morphology", "expression")
FOLDERS = {"morphology": "CellPainting", "expression": "L1000"}
MORPHOLOGY_VARIANTS = ("augmented", "normalized", "normalized_variable_selected")
"""Means of wells; these as z-scores against the negative controls; some of their features."""
NEGCON = "negcon"
CONTROLS = (NEGCON, "DMSO", "CMAP-000")
"""What negative controls are called in the key columns; files since 2022-04 say ``negcon``."""
_COMPARTMENTS = ("Cells_", "Cytoplasm_", "Nuclei_")
_PROBE = "_at"
_BROAD = re.compile(r"(BRD-[A-Z]\d{8})-\d{3}-\d{2}-\d")
"""Identifier of a compound, 13 characters, and its batch."""
_DOSE = re.compile(r"(.+)_(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One modality of a data set.

    Attributes
    ----------
    key : str
        Column that names the perturbation of a well.
    plate : str
        Column that names its plate.
    hours : int
        From perturbation to measurement.
    rows, perturbations : int
        Wells; perturbations among them, controls aside.
    replicates : int
        Median number of wells of a perturbation.
    features : mapping of str to int
        Number of features by variant, where it was published.
    files : mapping of str to str
        Name of a file without suffix, by variant; the default one first.
    mechanism, target : str
        Columns of annotations; empty where there is none.
    """

    key: str
    plate: str
    hours: int
    rows: int
    perturbations: int
    replicates: int
    features: Mapping[str, int]
    files: Mapping[str, str]
    mechanism: str = ""
    target: str = ""

    def file(self, variant: str | None) -> str:
        """Return the name of a variant's file, without suffix.

        Raises
        ------
        InvalidArgument
        """
        chosen = next(iter(self.files)) if variant is None else variant
        if chosen not in self.files:
            raise InvalidArgument(
                f"expected one of the variants {', '.join(self.files)}, found {variant!r}",
                hint="variants differ between modalities and data sets",
            )
        return self.files[chosen]


@dataclass(frozen=True, slots=True, kw_only=True)
class RosettaSet:
    """A data set of paired profiles.

    Attributes
    ----------
    name, folder : str
        Short name; folder of its files, also its name in the catalogue after ``rosetta/``.
    cell_line : str
    doses : bool
        Whether keys are ``compound_dose``, and not names.
    by_compound : bool
        Whether all doses of a compound are one group when models are cross-validated.
    morphology, expression : Side
    paired : int
        Perturbations of both modalities, by the keys as they are written.
    """

    name: str
    folder: str
    cell_line: str
    doses: bool
    by_compound: bool = False
    morphology: Side
    expression: Side
    paired: int

    def side(self, modality: str) -> Side:
        """Return one modality.

        Raises
        ------
        InvalidArgument
        """
        if modality not in MODALITIES:
            raise InvalidArgument(
                f"expected one of the modalities {', '.join(MODALITIES)}, found {modality!r}"
            )
        return self.morphology if modality == MODALITIES[0] else self.expression

    def perturbation(self, key: str) -> str:
        """Return what a key stands for: the same in both modalities, whatever its spelling.

        Doses are compared as numbers, compounds without their batch, and all negative controls
        are ``negcon``.

        Examples
        --------
        >>> lincs, luad = find_set("LINCS"), find_set("LUAD")
        >>> lincs.perturbation("BRD-A62035778_10.0"), lincs.perturbation("BRD-A62035778_10")
        ('BRD-A62035778_10', 'BRD-A62035778_10')
        >>> find_set("CDRP").perturbation("BRD-K18250272-003-03-7_6.05")
        'BRD-K18250272_6.05'
        >>> luad.perturbation("TP53_p.R280G"), luad.perturbation("DMSO")
        ('TP53_p.R280G', 'negcon')
        """
        if key in CONTROLS:
            return NEGCON
        if not self.doses:
            return key
        parts = _DOSE.fullmatch(key)
        if parts is None:
            return key
        return f"{compound(parts[1])}_{float(parts[2]):.12g}"

    def group(self, perturbation: str) -> str:
        """Return what must stay together when models are cross-validated.

        Examples
        --------
        >>> find_set("LINCS").group("BRD-A62035778_0.37")
        'BRD-A62035778'
        >>> find_set("LUAD").group("TP53_p.R280G")
        'TP53_p.R280G'
        """
        parts = _DOSE.fullmatch(perturbation) if self.by_compound else None
        return perturbation if parts is None else parts[1]

    def dose(self, perturbation: str) -> str | None:
        """Return the dose in a perturbation's name, or None.

        Examples
        --------
        >>> find_set("LINCS").dose("BRD-A62035778_0.37"), find_set("LINCS").dose("negcon")
        ('0.37', None)
        """
        parts = _DOSE.fullmatch(perturbation) if self.doses else None
        return None if parts is None else parts[2]


def compound(sample: str) -> str:
    """Return the identifier of a compound without its batch.

    Examples
    --------
    >>> compound("BRD-K18250272-003-03-7"), compound("BRDN0000398935")
    ('BRD-K18250272', 'BRDN0000398935')
    """
    parts = _BROAD.fullmatch(sample)
    return sample if parts is None else parts[1]


def is_feature(column: str, modality: str) -> bool:
    """Whether a column is a feature, and not metadata.

    Examples
    --------
    >>> is_feature("Cells_AreaShape_Area", "morphology"), is_feature("200814_at", "expression")
    (True, True)
    >>> is_feature("Metadata_Cells_Count", "morphology"), is_feature("x_at_risk", "expression")
    (False, False)
    """
    if modality == MODALITIES[0]:
        return column.startswith(_COMPARTMENTS)
    return column.endswith(_PROBE)


def find_set(name: str) -> RosettaSet:
    """Return a data set by its short name, its folder, or its name in the catalogue.

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> find_set("rosetta/LUAD-BBBC041-Caicedo").name, find_set("taorf").name
    ('LUAD', 'TA-ORF')
    """
    wanted = _plain(name.removeprefix("rosetta/"))
    for one in SETS:
        if wanted in (_plain(one.name), _plain(one.folder)):
            return one
    raise InvalidArgument(
        f"expected one of the Rosetta data sets {', '.join(one.name for one in SETS)}, "
        f"found {name!r}"
    )


def _plain(name: str) -> str:
    return name.casefold().replace("-", "").replace("_", "")


def _morphology(key: str, selected: tuple[int, int], **rest: int | str) -> Side:
    return Side(
        key=key,
        plate="Metadata_Plate",
        features=dict(zip(MORPHOLOGY_VARIANTS[1:], selected, strict=True)),
        files={one: f"replicate_level_cp_{one}" for one in MORPHOLOGY_VARIANTS},
        **rest,  # type: ignore[arg-type]
    )


def _expression(key: str, features: int, forms: Iterable[str] = (), **rest: int | str) -> Side:
    files = {one: one if one[:5] == "level" else f"replicate_level_l1k_{one}" for one in forms}
    return Side(
        key=key,
        plate="det_plate",
        features={"replicate_level": features},
        files={"replicate_level": "replicate_level_l1k", **files},
        **rest,  # type: ignore[arg-type]
    )


_DOSED = "Metadata_Sample_Dose", "pert_sample_dose"
_ANNOTATED = {"mechanism": "Metadata_moa", "target": "Metadata_target"}

SETS = (
    RosettaSet(
        name="CDRP",
        folder="CDRP-BBBC047-Bray",
        cell_line="U2OS",
        doses=True,
        morphology=_morphology(
            _DOSED[0],
            (1565, 727),
            hours=48,
            rows=153_386,
            perturbations=30_430,
            replicates=4,
            **_ANNOTATED,
        ),
        expression=_expression(
            _DOSED[1],
            977,
            ("pclfc", "pczscore", "vczscore"),
            hours=6,
            rows=68_120,
            perturbations=21_782,
            replicates=3,
        ),
        paired=20_358,
    ),
    RosettaSet(
        name="CDRP-bio",
        folder="CDRPBIO-BBBC036-Bray",
        cell_line="U2OS",
        doses=True,
        morphology=_morphology(
            _DOSED[0],
            (1570, 601),
            hours=48,
            rows=21_122,
            perturbations=2_239,
            replicates=8,
            **_ANNOTATED,
        ),
        expression=_expression(
            _DOSED[1], 977, hours=6, rows=6_929, perturbations=1_535, replicates=2
        ),
        paired=1_535,
    ),
    RosettaSet(
        name="LUAD",
        folder="LUAD-BBBC041-Caicedo",
        cell_line="A549",
        doses=False,
        morphology=_morphology(
            "x_mutation_status", (1569, 291), hours=96, rows=6_144, perturbations=593, replicates=8
        ),
        expression=_expression(
            "allele", 978, ("Juan",), hours=96, rows=4_232, perturbations=529, replicates=8
        ),
        paired=525,
    ),
    RosettaSet(
        name="TA-ORF",
        folder="TA-ORF-BBBC037-Rohban",
        cell_line="U2OS",
        doses=False,
        morphology=_morphology(
            "Metadata_broad_sample",
            (1677, 63),
            hours=72,
            rows=1_920,
            perturbations=324,
            replicates=5,
        ),
        expression=_expression(
            "pert_id",
            978,
            ("QNORM", "ZSPCQNORM"),
            hours=72,
            rows=729,
            perturbations=327,
            replicates=2,
        ),
        paired=150,
    ),
    RosettaSet(
        name="LINCS",
        folder="LINCS-Pilot1",
        cell_line="A549",
        doses=True,
        by_compound=True,
        morphology=_morphology(
            "Metadata_pert_id_dose",
            (1670, 119),
            hours=48,
            rows=52_223,
            perturbations=9_394,
            replicates=5,
            mechanism="Metadata_moa",
        ),
        expression=_expression(
            "pert_id_dose",
            978,
            ("level_3", "level_4", "level_4W", "level_5_modz", "level_5_rank"),
            hours=24,
            rows=27_837,
            perturbations=8_369,
            replicates=3,
            mechanism="moa",
        ),
        paired=6_984,
    ),
)
"""In the order of the seeds' table. Rows and perturbations: sheets and notebooks of the authors."""
