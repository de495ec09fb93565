"""Measuring one site: from its images to its table, record, labels and picture."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cellfolio.errors import CellfolioError, InvalidArgument
from cellfolio.storage.disk import remove_unfinished, sha256_of
from cellfolio.storage.home import Home
from cellfolio.storage.workers import at_once
from cellfolio.workflows.measuring.labels import CELLS, NUCLEI
from cellfolio.workflows.measuring.reading import Reader, identity
from cellfolio.workflows.measuring.records import SiteFacts, SitePaths, SiteRecord, Written
from cellfolio.workflows.measuring.settings import MeasureOptions
from cellfolio.workflows.measuring.sites import ImagePart, SiteImages
from cellfolio.workflows.measuring.tables import cell_table, write_cells
from cellfolio.workflows.processes import Failure
from cellfolio.workflows.profiling.inputs import Digests

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from cellfolio.measurement import Segmentation, SegmentationSettings

Images = dict[str, "npt.NDArray[np.generic]"]
LABELS = ("nuclei", "cells", "cytoplasm")
"""Label images that are kept on request."""


@dataclass(frozen=True, slots=True)
class SiteJob:
    """A site to measure; it can be sent to another process.

    Attributes
    ----------
    site : SiteImages
    labels : tuple of (str, ImagePart)
        By kind; where there are none, the site is segmented.
    options : MeasureOptions
    output, home : Path
    """

    site: SiteImages
    labels: tuple[tuple[str, ImagePart], ...]
    options: MeasureOptions
    output: Path
    home: Path

    @property
    def paths(self) -> SitePaths:
        """Where what is known of the site is kept."""
        return SitePaths.of(self.output, self.site)

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that it may have."""
        paths = self.paths
        return (paths.cells, paths.record, paths.outlines, *map(paths.labels, LABELS))

    @property
    def parts(self) -> tuple[ImagePart, ...]:
        """All files that it is made of."""
        return self.site.all_parts(self.labels)

    def facts(self, made_of: Mapping[str, str]) -> SiteFacts:
        """Return what decides the table, given the digests of its files."""
        return SiteFacts(
            self.options.deciding(segmented=CELLS not in dict(self.labels)),
            {name: part.key for name, part in self.site.parts},
            {kind: part.key for kind, part in self.labels},
            {name: part.key for name, part in self.site.illumination},
            dict(sorted(made_of.items())),
        )

    def outdated(self, recorded: SiteRecord | None, home: Home) -> str:
        """Tell why the site has to be measured; empty if what is there is up to date.

        Parameters
        ----------
        recorded : SiteRecord or None
        home : Home
            That of this job, opened.
        """
        if recorded is None:
            return "it was not measured yet"
        if recorded.failure is not None or recorded.table is None:
            return "it failed"
        digests = Digests(recorded.looks)
        try:
            made_of = {one.key: identity(one.source, home, digests) for one in self.parts}
        except (CellfolioError, OSError) as error:
            return str(error)
        why = self.facts(made_of).differs(recorded.facts)
        if why:
            return why
        paths, wanted = self.paths, []
        if self.options.outlines:
            wanted.append(paths.outlines)
        if self.options.labels:
            wanted += [paths.labels(kind) for kind in LABELS]
        missing = next((path for path in (paths.cells, *wanted) if not path.is_file()), None)
        if missing is not None:
            return f"{missing.name} is not there"
        same = paths.cells.stat().st_size == recorded.table.size
        same = same and digests.of(paths.cells) == recorded.table.sha256
        return "" if same else f"{paths.cells.name} was changed after it was made"


def sweep_files(paths: Iterable[Path]) -> None:
    """Remove what a killed run was writing of these files; others' are left to them."""
    names: dict[Path, set[str]] = {}
    for path in paths:
        names.setdefault(path.parent, set()).add(path.name)
    for folder, own in names.items():
        remove_unfinished(folder, own)


def measure_one(job: SiteJob) -> SiteRecord:
    """Measure a site, and write its files; what goes wrong is recorded, and not raised.

    Raises
    ------
    OSError
        If the record itself cannot be written.
    """
    started = time.process_time()
    reader = Reader(Home(job.home), Digests({}))
    site = job.site
    record = SiteRecord(site.plate, str(site.well), site.number, site.image_number, {})
    try:
        image = _measure(job, reader)
        path = job.paths.cells
        table = Written(path.stat().st_size, sha256_of(path).value)
        reader.digests.of(path)
        record = replace(record, image=image, table=table)
    except (CellfolioError, OSError, MemoryError) as error:
        record = replace(record, failure=Failure.of(error))
    except Exception as error:  # a site's trouble is not that of the others
        odd = InvalidArgument(f"{type(error).__name__}: {error}", hint="this may be a bug")
        record = replace(record, failure=Failure.of(odd))
    return finish(job, record, reader, time.process_time() - started)


def finish(
    job: SiteJob, record: SiteRecord, reader: Reader | None = None, seconds: float = 0.0
) -> SiteRecord:
    """Write the record of a site; of one that failed, nothing else is left."""
    paths = job.paths
    if record.failure is not None:
        for path in (paths.cells, paths.outlines, *map(paths.labels, LABELS)):
            path.unlink(missing_ok=True)
    made_of = reader.made_of if reader is not None else {}
    looks = reader.digests.seen if reader is not None else {}
    whole = replace(record, facts=asdict(job.facts(made_of)), seconds=seconds, looks=looks)
    whole.write(paths.record)
    return whole


def _measure(job: SiteJob, reader: Reader) -> Mapping[str, float]:
    from cellfolio.measurement.site import measure_site

    if job.site.problem:
        raise InvalidArgument(job.site.problem)
    raw, images = read_images(job.site, reader)
    segmentation = segment_site(images, job.labels, job.options.segmentation, reader)
    found = measure_site(images, segmentation, job.options.site, raw=raw)
    facts = job.facts(reader.made_of)
    told = {"version": facts.version, "inputs": facts.made_of, "settings": facts.settings}
    _write_pictures(job, images, segmentation)
    table = cell_table(found, job.site, job.options.decimals)
    write_cells(table, job.paths.cells, told)
    return found.image


def read_images(site: SiteImages, reader: Reader) -> tuple[Images, Images]:
    """Return the images as they are, and divided by their illumination functions."""
    from cellfolio.measurement import correct_illumination

    planes = at_once(lambda one: reader.read(one[1]), site.parts)
    raw: Images = {name: plane for (name, _), plane in zip(site.parts, planes, strict=True)}
    images = dict(raw)
    for name, part in site.illumination:
        if name in images:
            images[name] = correct_illumination(
                raw[name], reader.read_function(part), f"channel {name}"
            )
    return raw, images


def segment_site(
    images: Images,
    labels: Sequence[tuple[str, ImagePart]],
    settings: SegmentationSettings,
    reader: Reader,
) -> Segmentation:
    """Return the nuclei and cells of a site: those that are given, and found where none are."""
    from cellfolio.measurement import labels_given, segment

    ready = {kind: reader.read(part) for kind, part in labels}
    if NUCLEI not in ready:
        return segment(images, settings)
    if CELLS not in ready:
        return segment(images, settings, nuclei_by=lambda _: ready[NUCLEI])
    return labels_given(ready[NUCLEI], ready[CELLS], shrink_nuclei=settings.shrink_nuclei)


def _write_pictures(job: SiteJob, images: Images, segmentation: Segmentation) -> None:
    """Write the label images and the picture that are wanted; those from before are removed."""
    import numpy as np

    from cellfolio.formats.images import write_ome_tiff

    paths = job.paths
    for kind in LABELS:
        path = paths.labels(kind)
        path.unlink(missing_ok=True)
        if job.options.labels:
            labels = getattr(segmentation, kind)
            small = labels.max(initial=0) < 2**16
            path.parent.mkdir(parents=True, exist_ok=True)
            write_ome_tiff(path, labels.astype(np.uint16 if small else np.int32), "YX")
    paths.outlines.unlink(missing_ok=True)
    if job.options.outlines:
        _draw(job, images, segmentation)


def _draw(job: SiteJob, images: Images, segmentation: Segmentation) -> None:
    from cellfolio.imaging.segmentation_overlay import draw_segmentation

    path = job.paths.outlines
    path.parent.mkdir(parents=True, exist_ok=True)
    layers = {"Nuclei": segmentation.nuclei, "Cells": segmentation.cells}
    draw_segmentation(images, layers, title=str(job.site)).save(path)
