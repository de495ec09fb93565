"""Steps that segment and measure one site, with ours, cp_measure and Nyxus."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from itertools import combinations
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.steps import Work, step

KINDS = ("Nuclei", "Cells", "Cytoplasm")
SCALES = (3, 5, 10)
PEER = {
    "AreaShape": ("sizeshape", "zernike", "feret"),
    "Granularity": ("granularity",),
    "Intensity": ("intensity",),
    "RadialDistribution": ("radial_distribution",),
    "Texture": ("texture",),
}
"""Functions of cp_measure by group of features; of colocalization it has others."""
NYXUS = {
    "AreaShape": (
        "*BASIC_MORPHOLOGY*", "ZERNIKE2D", "SOLIDITY", "STAT_FERET_DIAM_MIN", "STAT_FERET_DIAM_MAX",
    ),
    "Intensity": ("*ALL_INTENSITY*",),
    "RadialDistribution": ("FRAC_AT_D", "MEAN_FRAC", "RADIAL_CV"),
    "Texture": ("*ALL_GLCM*",),
}  # fmt: skip
"""Features of Nyxus by group: fewer of shapes than ours, and of texture one scale of ours."""


def read(path: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return images by channel and labels by kind of object."""
    import numpy as np

    with np.load(path) as held:
        arrays = {name: held[name] for name in held}
    labels = {kind: arrays.pop(kind) for kind in KINDS}
    return arrays, labels


@step
def ours_of_group(path: str, group: str) -> Work:
    """Measure one group of features of all kinds of objects, compiled before."""
    from cellfolio.measurement import MeasurementSettings, Spectrum, measure_objects, scale_image

    images, labels = read(path)
    groups = ("Intensity", "Location") if group == "Intensity" else (group,)
    settings = MeasurementSettings(groups=groups)

    def run() -> None:
        spectra = {}
        if group == "Granularity":
            spectra = {name: Spectrum.of(scale_image(image)) for name, image in images.items()}
        for kind in KINDS:
            measure_objects(labels[kind], images, settings, spectra=spectra)

    run()
    return run


@step
def peer_of_group(path: str, group: str) -> Work:
    """Measure the same with cp_measure and its compiled functions."""
    peer, bulk = import_module("cp_measure"), import_module("cp_measure.bulk")
    images, labels = read(path)
    planes = {name: image / 65535 for name, image in images.items()}
    peer.set_accelerator("numba")
    core = bulk.get_core_measurements(legacy=True)
    correlation = bulk.get_correlation_measurements()

    def options(name: str) -> list[dict[str, Any]]:
        if name == "texture":
            return [{"scale": scale} for scale in SCALES]
        if name == "granularity":
            return [{"subsample_size": 0.5, "image_sample_size": 0.5}]
        return [{}]

    def run() -> None:
        for kind in KINDS:
            if group == "Correlation":
                for one, other in combinations(planes, 2):
                    for name, function in correlation.items():
                        if name != "costes":
                            function(planes[one], planes[other], labels[kind])
            else:
                of_labels = group == "AreaShape"  # the same in all channels
                for plane in list(planes.values())[: 1 if of_labels else None]:
                    for name in PEER[group]:
                        for option in options(name):
                            core[name](labels[kind], plane, **option)

    if group in ("Intensity", "Texture", "AreaShape"):  # those that it compiles
        run()
    return run


@step
def nyxus_of_group(path: str, group: str) -> Work:
    """Measure what Nyxus has of a group, in one thread."""
    nyxus = import_module("nyxus")
    images, labels = read(path)
    planes = [image.astype("uint32") for image in images.values()]
    found = nyxus.Nyxus(list(NYXUS[group]), n_feature_calc_threads=1, coarse_gray_depth=256)

    def run() -> None:
        for kind in KINDS:
            objects = labels[kind].astype("uint32")
            for plane in planes[: 1 if group == "AreaShape" else None]:
                found.featurize(plane, objects)

    return run


@step
def ours_of_site(path: str) -> Work:
    """Segment and measure a site as CPJUMP1 did, compiled before."""
    images, _ = read(path)

    def run() -> None:
        _measure(images)

    run()
    return run


def _measure(images: dict[str, Any]) -> None:
    from cellfolio.measurement import segment
    from cellfolio.measurement.site import SiteSettings, measure_site

    measure_site(images, segment(images), SiteSettings(quality=False))


@step
def ours_of_labels(path: str) -> Work:
    """Measure all features of objects, in all channels, compiled before."""
    from cellfolio.measurement import MeasurementSettings, Spectrum, measure_objects, scale_image

    images, labels = read(path)

    def run() -> None:
        spectra = {name: Spectrum.of(scale_image(image)) for name, image in images.items()}
        for kind in KINDS:
            settings = MeasurementSettings(neighbor_distance=1 if kind == "Nuclei" else 5)
            measure_objects(labels[kind], images, settings, spectra=spectra)

    run()
    return run


@step
def ours_of_workers(path: str, workers: str, sites: str) -> Work:
    """Measure a site again and again in some processes, which are ready before."""
    count = int(workers)
    pool = ProcessPoolExecutor(count, mp_context=get_context("spawn"))
    list(pool.map(_measure_of, [path] * count))

    def run() -> None:
        list(pool.map(_measure_of, [path] * int(sites)))
        pool.shutdown()

    return run


def _measure_of(path: str) -> None:
    _measure(read(path)[0])


@step
def ours_compiled(folder: str) -> Work:
    """Compile everything that measures a site, into an empty folder."""
    from cellfolio.workflows.measuring.warming import warm_up

    import_module("cellfolio.measurement.site")
    assert not list(Path(folder).rglob("*.nbc"))
    return warm_up
