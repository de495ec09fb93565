"""Which columns of a table are features, by their names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import NamedTuple

from cellfolio.errors import InvalidArgument

COMPARTMENTS = ("Cells", "Cytoplasm", "Nuclei")
"""How features of CellProfiler, CytoTable and cellfolio begin."""
IMAGE = "Image_"
"""How measurements of whole images begin."""
METADATA = "Metadata_"
"""How columns begin that are no features, as all these tools agree."""

_NUMBERED = re.compile(r"(?P<model>.*?)_?(?P<number>\d+)")
_PROBE = re.compile(r"\d+(_[a-z])?_at")
"""Probe sets of Affymetrix, by which L1000 names what it reads of genes."""
_MANY = 16
"""Numbered columns that are a family though some are missing."""
_CHANNELS = ("AGP", "DNA", "ER", "Mito", "RNA")

NOISY_FEATURES = tuple(
    f"Nuclei_Correlation_{kind}_{one}_{other}"
    for kind in ("Manders", "RWC")
    for one in _CHANNELS
    for other in _CHANNELS
    if one != other
) + tuple(f"Nuclei_Granularity_{step}_{channel}" for step in (14, 15, 16) for channel in _CHANNELS)
"""The 55 features that vary between plates for technical reasons (Way 2019,
https://doi.org/10.6084/m9.figshare.10255811)."""


class FeatureSplit(NamedTuple):
    """Names of columns, in the order of the table.

    Attributes
    ----------
    metadata, features : tuple of str
    """

    metadata: tuple[str, ...]
    features: tuple[str, ...]


SEVERAL_CHANNELS = "several"
"""Channel of a feature that compares channels, such as a correlation."""
_OF_CHANNELS = frozenset(
    {"Correlation", "Granularity", "Intensity", "Location", "RadialDistribution", "Texture"}
)
"""Groups of CellProfiler's measurements that look at pixels."""
_AXES = frozenset("XYZ")


@dataclass(frozen=True, slots=True)
class FeatureName:
    """What the name of a feature tells.

    Attributes
    ----------
    compartment : str
        ``Cells``, ``Cytoplasm`` or ``Nuclei``; empty where the name tells none.
    group : str
        Kind of measurement, such as ``Texture``; of other names, all before the number.
    channel : str
        Empty where no channel is looked at, and `SEVERAL_CHANNELS` where channels are compared.
    """

    compartment: str
    group: str
    channel: str


def parse_feature(name: str) -> FeatureName:
    """Return what the name of a feature tells, as CellProfiler makes names.

    Parameters
    ----------
    name : str

    References
    ----------
    CellProfiler's manual, "Measurement nomenclature".

    Examples
    --------
    >>> parse_feature("Cells_Texture_Contrast_DNA_3_00_256")
    FeatureName(compartment='Cells', group='Texture', channel='DNA')
    >>> parse_feature("Nuclei_Correlation_RWC_DNA_ER").channel
    'several'
    >>> parse_feature("efficientnet_17")
    FeatureName(compartment='', group='efficientnet', channel='')
    """
    compartment, *words = name.split("_")
    if compartment not in COMPARTMENTS or not words:
        numbered = _NUMBERED.fullmatch(name)
        return FeatureName("", numbered["model"] if numbered else name, "")
    group, rest = words[0], words[2:]
    if group not in _OF_CHANNELS:
        return FeatureName(compartment, group, "")
    if group == "Correlation" and len(rest) > 1:
        return FeatureName(compartment, group, SEVERAL_CHANNELS)
    # Scales, angles, bins and the like come last: `_3_00_256`, `_1of4`.
    while rest and rest[-1][:1].isdigit():
        rest.pop()
    if group == "Location" and rest and rest[0] in _AXES:
        rest = rest[1:]
    return FeatureName(compartment, group, "_".join(rest))


def split_features(
    columns: Sequence[str], prefixes: Sequence[str] = (), *, image_features: bool = False
) -> FeatureSplit:
    """Split names of columns into metadata and features.

    Without prefixes, features are the columns that begin with ``Cells``, ``Cytoplasm`` or
    ``Nuclei``, as CellProfiler, CytoTable and cellfolio name them. If there is none, they are
    numbered columns, as DeepProfiler and other networks give: ``efficientnet_0``,
    ``efficientnet_1`` …, or ``0``, ``1`` …; some of them may have been dropped, if 16 are left. If
    there are none either, they are gene expression by probe, as L1000 gives: ``200814_at``.

    Parameters
    ----------
    columns : sequence of str
        Such as ``profiles.columns``.
    prefixes : sequence of str, optional
        How your features begin.
    image_features : bool
        Whether ``Image_…``, what CellProfiler measures of whole images, are features, too.

    Returns
    -------
    FeatureSplit

    Raises
    ------
    InvalidArgument
        If no column is a feature.

    Examples
    --------
    >>> split_features(["Metadata_Well", "Cells_AreaShape_Area", "Nuclei_Texture_Contrast_DNA"])
    FeatureSplit(metadata=('Metadata_Well',), features=('Cells_AreaShape_Area', 'Nuclei_Texture_\
Contrast_DNA'))
    >>> split_features(["Metadata_Well", "vit_0", "vit_1"]).features
    ('vit_0', 'vit_1')
    >>> split_features(["well", "emb_mean"], prefixes=["emb_"]).metadata
    ('well',)
    """
    if isinstance(prefixes, str):
        raise InvalidArgument(f"expected a list of prefixes, found the text {prefixes!r}")
    names = list(map(str, columns))
    wanted = tuple(prefixes) or COMPARTMENTS
    found = [name.startswith(wanted) for name in names]
    if image_features:
        own = (name.startswith(IMAGE) and not _tells_well(name) for name in names)
        found = [one or other for one, other in zip(found, own, strict=True)]
    if not any(found) and not prefixes:
        numbered = _numbered(names)
        found = [name in numbered for name in names]
        if not numbered:
            found = [_PROBE.fullmatch(name) is not None for name in names]
    if not any(found):
        shown = ", ".join(names[:4]) + (" …" if len(names) > 4 else "")
        raise InvalidArgument(
            f"no column is a feature: expected names that begin with {', '.join(wanted)}, "
            f"found {shown or 'no columns'}",
            hint="name the features: features=split_features(columns, prefixes=[…]).features",
        )
    return FeatureSplit(
        tuple(compress(names, (not one for one in found))), tuple(compress(names, found))
    )


def _tells_well(name: str) -> bool:
    return name.startswith(IMAGE + METADATA)


def _numbered(names: Sequence[str]) -> set[str]:
    """Return the columns of the largest family that is numbered from 0 or 1, without a gap.

    If there is none, those of the largest that has `_MANY`: features that were selected have gaps.
    """
    families: dict[str, dict[int, str]] = {}
    for name in names:
        found = None if name.startswith(METADATA) else _NUMBERED.fullmatch(name)
        if found is not None:
            families.setdefault(found["model"], {})[int(found["number"])] = name
    whole = {
        model: family
        for model, family in families.items()
        if len(family) > 1 and min(family) in (0, 1) and max(family) - min(family) < len(family)
    }
    some = whole or {model: one for model, one in families.items() if len(one) >= _MANY}
    return set(max(some.values(), key=len).values()) if some else set()


def check_features(features: Sequence[str], columns: Sequence[str]) -> tuple[str, ...]:
    """Return the features named by a user, if each is a column, and named once.

    Raises
    ------
    InvalidArgument
    """
    if isinstance(features, str):
        raise InvalidArgument(f"features should be a list of names, found the text {features!r}")
    names = tuple(features)
    if not names:
        raise InvalidArgument("features should name at least one column, found none")
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise InvalidArgument(f"features should name each column once, found {twice[0]!r} again")
    known = set(columns)
    absent = [name for name in names if name not in known]
    if absent:
        raise InvalidArgument(
            f"features should be columns of the table; {len(absent)} are not: "
            f"{', '.join(map(repr, absent[:3]))}"
        )
    return names
