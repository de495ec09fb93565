"""What the page about a plate's quality says: sections of words, pictures and tables."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from cellfolio.workflows.pages import Fact, PagePicture, Section

if TYPE_CHECKING:
    import pandas as pd

    from cellfolio.evaluation.quality import PlateDesign, PlateQuality, QualityRules
    from cellfolio.registries.plates import Well

_ROWS = 15
"""Rows of a table that are shown."""


@dataclass(frozen=True, slots=True)
class PageContent:
    """What a page is made of.

    Attributes
    ----------
    plate : str
    quality : PlateQuality
    design : PlateDesign
    rules : QualityRules
    wells : tuple of Well
        The place of each well; empty if names are no places.
    inputs : mapping of str to str
        Name → digest.
    """

    plate: str
    quality: PlateQuality
    design: PlateDesign
    rules: QualityRules
    wells: tuple[Well, ...]
    inputs: Mapping[str, str]

    def facts(self) -> list[Fact]:
        """Return the numbers at the head of the page."""
        found = self.quality
        flagged = len(found.flagged)
        facts = [Fact("wells", f"{len(found.wells):,}")]
        facts.append(Fact("wells to look at", f"{flagged:,}", warn=flagged > 0))
        if math.isfinite(found.median_objects):
            facts.append(Fact("objects by well", f"{found.median_objects:,.0f}", "median"))
        counts = list(found.stages.values())
        more = f"of {counts[0]:,}" if len(counts) > 1 else ""
        facts.append(Fact("features", f"{counts[-1]:,}", more))
        facts.append(Fact("missing values", _share(found.missing)))
        if found.control_count:
            facts.append(Fact("negative controls", f"{found.control_count:,}"))
        if found.replicates is not None and len(found.replicates.perturbations):
            of = f"of {len(found.replicates.perturbations):,}"
            facts.append(Fact("perturbations that replicate", f"{found.replicates.agreeing:,}", of))
        return facts

    def sections(self) -> list[Section]:
        """Return the parts of the page, in order."""
        parts: list[Callable[[], Iterator[Section]]] = [
            self._flags, self._objects, self._controls, self._replicates, self._missing,
            self._positions, self._features, self._origin,
        ]  # fmt: skip
        return [section for part in parts for section in part()]

    def _flags(self) -> Iterator[Section]:
        rules = self.rules
        yield Section(
            "Wells to look at",
            f"Wells with fewer objects than {rules.least_objects:,} or {rules.least_share:.0%} of "
            f"the plate's median; with more than {rules.most_missing:.0%} of the features missing; "
            f"controls whose distance is {rules.control_limit:g} robust standard deviations above "
            "that of most controls; and wells that do not correlate with any of their replicates, "
            "while those do with each other.",
            header=("well", "why"),
            rows=tuple((flag.well, flag.reason) for flag in self.quality.flags),
            more="" if self.quality.flags else "There is none.",
        )

    def _objects(self) -> Iterator[Section]:
        objects = self.quality.wells["objects"]
        if not math.isfinite(self.quality.median_objects):
            yield Section(
                "Objects", "No column tells how many objects a well has.",
                more="The number of objects is in Metadata_Object_Count where cellfolio "
                "aggregated single cells; another column can be named.",
            )  # fmt: skip
            return
        about = (
            f"From {objects.min():,.0f} to {objects.max():,.0f} objects in a well, "
            f"{self.quality.median_objects:,.0f} in the median. Few are a sign of a toxic "
            "perturbation, or of a well that failed."
        )
        picture = self._on_plate(objects, "objects", "Objects in each well, where it is.")
        yield Section("Objects", about, picture)

    def _on_plate(self, values: pd.Series[Any], name: str, caption: str) -> tuple[PagePicture, ...]:
        from cellfolio.imaging.plate_map import draw_plate

        if not self.wells or not values.notna().any():
            return ()
        placed = dict(zip(self.wells, values.astype(float).tolist(), strict=True))
        figure = draw_plate(placed, title=self.plate, label=name, kind="numbers")
        return (PagePicture.of(name, figure, f"Plate map of {name}", caption),)

    def _controls(self) -> Iterator[Section]:
        from cellfolio.imaging.quality_figures import draw_controls

        found = self.quality
        if not found.control_count:
            yield Section("Controls", "No negative controls were named.")
            return
        picture = PagePicture.of(
            "controls", draw_controls(found), "Spread of controls, and distances from them",
            "Left: robust standard deviation of the controls by that of all wells, for each "
            "feature; a feature that answers to perturbations is below 1. Right: how many wells "
            "are within a distance of the controls' median.",
        )  # fmt: skip
        plate = self._on_plate(
            found.wells["distance"], "distance",
            "Distance of each well from the controls' median: that of half of the features is "
            "smaller, in robust standard deviations of the plate.",
        )  # fmt: skip
        widest = found.features.dropna(subset=["control_spread"]).nlargest(5, "control_spread")
        yield Section(
            "Controls",
            f"{found.control_count:,} wells by {self.design.reference}. Their spread is "
            f"{found.median_spread:.2f} of that of all wells in the median of the features.",
            (picture, *plate),
            ("features with the widest controls", "spread"),
            _pairs(widest, "control_spread", "{:.2f}".format),
            (1,),
        )

    def _replicates(self) -> Iterator[Section]:
        from cellfolio.imaging.quality_figures import draw_replicates

        found = self.quality.replicates
        if found is None:
            yield Section(
                "Replicates", "No column was named that tells which wells are replicates."
            )
            return
        table = found.perturbations
        if table.empty:
            yield Section("Replicates", "No perturbation has two wells on this plate.")
            return
        if not math.isfinite(found.threshold):
            yield Section("Replicates", "There is too little to compare replicates with chance.")
            return
        picture = PagePicture.of(
            "replicates", draw_replicates(found), "Correlations of replicates and by chance",
            f"Median correlation of the wells of each perturbation, and of {len(found.null):,} "
            "draws of wells of different perturbations.",
        )  # fmt: skip
        shown = table if len(table) <= _ROWS else table.iloc[[*range(8), *range(-5, 0)]]
        names = list(self.design.perturbation)
        yield Section(
            "Replicates",
            f"{found.agreeing:,} of {len(table):,} perturbations with replicates correlate more "
            f"than 95% of what comes about by chance (above {found.threshold:.2f}). Controls are "
            "left out.",
            (picture,),
            (*(name.removeprefix("Metadata_") for name in names), "wells", "correlation"),
            tuple(
                (*map(str, row[: len(names)]), str(row[-2]), f"{row[-1]:.2f}")
                for row in shown[[*names, "wells", "correlation"]].itertuples(index=False)
            ),
            (len(names), len(names) + 1),
            more="" if len(table) <= _ROWS else "The 8 highest and the 5 lowest are shown.",
        )

    def _missing(self) -> Iterator[Section]:
        from cellfolio.imaging.quality_figures import draw_missing

        features = self.quality.features
        some = features[features["missing"] > 0]
        if some.empty:
            yield Section("Missing values", "None is missing or infinite.")
            return
        picture = PagePicture.of(
            "missing", draw_missing(self.quality), "Missing values by feature and by well",
            "Missing or infinite values before anything was selected.",
        )  # fmt: skip
        most = some.nlargest(8, "missing")
        yield Section(
            "Missing values",
            f"{len(some):,} of {len(features):,} features lack values in some wells.",
            (picture,),
            ("features that lack most", "wells without"),
            _pairs(most, "missing", _share),
            (1,),
        )

    def _positions(self) -> Iterator[Section]:
        from cellfolio.imaging.quality_figures import draw_positions

        found = self.quality.positions
        if not found:
            return
        picture = PagePicture.of(
            "places", draw_positions(found), "Means by row and column",
            "Means of rows and columns; components are the first two principal components.",
        )  # fmt: skip
        yield Section(
            "Places on the plate",
            "How much of the differences between wells their row, their column, or lying at the "
            "edge explains (adjusted R²). Perturbations that fill rows or columns, and controls at "
            "the edge, are told with it.",
            (picture,),
            ("", "row", "column", "edge"),
            tuple((one.of, *map(_share, (one.row, one.column, one.edge))) for one in found),
            (1, 2, 3),
        )

    def _features(self) -> Iterator[Section]:
        from cellfolio.imaging.quality_figures import draw_selected

        found = self.quality
        stages = tuple((name, f"{count:,}") for name, count in found.stages.items())
        pictures: tuple[PagePicture, ...] = ()
        if 0 < found.features["selected"].sum() < len(found.features):
            picture = PagePicture.of(
                "features", draw_selected(found.features), "Features that are left",
                "Features that are left, by compartment, kind and channel.",
            )  # fmt: skip
            pictures = (picture,)
        names = list(found.stages)
        about = f"{names[-1]} has {stages[-1][1]} features"
        about += f", {names[0]} has {stages[0][1]}." if len(names) > 1 else "."
        yield Section("Features", about, pictures, ("table", "features"), stages, (1,))

    def _origin(self) -> Iterator[Section]:
        from importlib.metadata import version

        settings = {**asdict(self.design), **asdict(self.rules)}
        told = {name: value for name, value in settings.items() if value not in (None, ())}
        rows = [(f"input {name}", digest) for name, digest in self.inputs.items()]
        rows += [(name, _setting(value)) for name, value in told.items()]
        yield Section(
            "How this was made",
            "The same inputs and settings give the same page.",
            header=("", ""),
            rows=(*rows, ("cellfolio", version("cellfolio"))),
        )


def _pairs(
    features: pd.DataFrame, column: str, written: Callable[[float], str]
) -> tuple[tuple[str, str], ...]:
    names, values = features["feature"].tolist(), features[column].tolist()
    return tuple((name, written(value)) for name, value in zip(names, values, strict=True))


def _setting(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _share(share: float) -> str:
    if not math.isfinite(share):
        return "–"
    return "0%" if share <= 0 else f"{share:.2%}" if share < 0.01 else f"{share:.1%}"
