"""One measured step in a process of its own: ``python -m benchmarks.steps NAME ARGUMENTS``.

Prints one JSON line: seconds of wall and CPU time of the step (imports and set-up left out), and
the peak memory of the whole process in MB.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import uuid4

Step = Callable[..., Callable[[], Any]]
STEPS: dict[str, Step] = {}


def step(function: Step) -> Step:
    """Register a step: a function that prepares and returns what is measured."""
    STEPS[function.__name__] = function
    return function


# cellfolio


@step
def ours_get(reference: str, folder: str) -> Callable[[], Any]:
    import obstore

    import cellfolio.workflows.verbs as verbs

    assert obstore
    return lambda: verbs.get(reference, folder)


@step
def ours_push(source: str, destination: str) -> Callable[[], Any]:
    import obstore

    import cellfolio.workflows.verbs as verbs
    from cellfolio.registries.folder import package_folder
    from cellfolio.storage.home import Home

    assert obstore
    home = Home()
    package = package_folder(Path(source), home).named("bench/small")
    return lambda: verbs.push(package, destination, home=home)


@step
def ours_browse(reference: str) -> Callable[[], Any]:
    import obstore

    import cellfolio.workflows.verbs as verbs

    assert obstore
    return lambda: verbs.open(reference)


@step
def ours_lookup(reference: str, key: str) -> Callable[[], Any]:
    import obstore

    import cellfolio.workflows.verbs as verbs

    assert obstore
    return lambda: verbs.open(reference).entry(key)


# quilt3


def _quilt3() -> Any:
    warnings.simplefilter("ignore")
    os.environ["QUILT_DISABLE_USAGE_METRICS"] = "true"
    os.environ["QUILT_MINIMIZE_STDOUT"] = "true"
    import quilt3

    return quilt3


@step
def quilt3_get(reference: str, folder: str) -> Callable[[], Any]:
    quilt3 = _quilt3()
    registry, name = _split(reference)
    return lambda: quilt3.Package.install(name, registry, dest=folder)


@step
def quilt3_push(source: str, destination: str) -> Callable[[], Any]:
    quilt3 = _quilt3()
    registry, name = _split(destination)
    package = quilt3.Package().set_dir("/", source)
    package.build(name)  # hashes, as ours has before its push is timed
    return lambda: package.push(name, registry, force=True)


@step
def quilt3_browse(reference: str) -> Callable[[], Any]:
    quilt3 = _quilt3()
    registry, name = _split(reference)
    return lambda: quilt3.Package.browse(name, registry)


# obstore alone: what a download costs that checks nothing


@step
def raw_get(bucket: str, prefix: str, folder: str, workers: str) -> Callable[[], Any]:
    import obstore
    from obstore.store import S3Store

    store = S3Store(bucket, client_options={"allow_http": True})
    paths = [meta["path"] for batch in obstore.list(store, prefix) for meta in batch]
    target = Path(folder)
    target.mkdir(parents=True)

    def fetch(path: str) -> None:
        unfinished = target / uuid4().hex
        unfinished.write_bytes(memoryview(obstore.get(store, path).bytes()))
        unfinished.rename(target / path.rpartition("/")[2])

    def run() -> None:
        with ThreadPoolExecutor(int(workers)) as pool:
            list(pool.map(fetch, paths))

    return run


# A loop like that of the Allen Brain Cell Atlas' own client


@step
def boto3_loop(bucket: str, version: str, folder: str) -> Callable[[], Any]:
    """One file after the other on one connection, and each read again for its MD5.

    Pieces of 1,024 bytes, each told to a bar, and one listing a file for its size, as in
    abc_atlas_access 1.1.1.
    """
    import boto3
    from tqdm import tqdm

    client = boto3.client("s3")

    def run() -> None:
        answer = client.get_object(Bucket=bucket, Key=f"releases/{version}/manifest.json")
        for kinds in json.load(answer["Body"])["file_listing"].values():
            for files in kinds.values():
                for file in files.values():
                    fetch(*file["files"].values())

    def fetch(file: dict[str, Any]) -> None:
        path = Path(folder, file["relative_path"])
        path.parent.mkdir(parents=True, exist_ok=True)
        listed = client.list_objects_v2(Bucket=bucket, Prefix=file["relative_path"])
        body = client.get_object(Bucket=bucket, Key=file["relative_path"])["Body"]
        total = listed["Contents"][0]["Size"]
        with (
            path.open("wb") as out,
            tqdm(desc=path.name, total=total, unit="MB", unit_scale=True) as bar,
        ):
            for piece in body.iter_chunks():
                out.write(piece)
                bar.update(len(piece))
        digest = hashlib.md5()
        with path.open("rb") as again:
            while block := again.read(1_000_000):
                digest.update(block)
        if digest.hexdigest() != file["file_hash"]:
            raise RuntimeError(f"{path} is damaged")

    return run


# One plane of a stack


@step
def ours_open(uri: str, size: str, digest: str) -> Callable[[], Any]:
    """Read the list of pages, so that it is kept."""
    from cellfolio.formats.images.opening import open_image

    return lambda: open_image(_image_entry(uri, size, digest))


@step
def ours_far_plane(uri: str, size: str, digest: str, c: str, z: str) -> Callable[[], Any]:
    import imagecodecs
    import obstore

    from cellfolio.formats.images.opening import open_image

    assert imagecodecs
    assert obstore
    return lambda: open_image(_image_entry(uri, size, digest)).plane(c=int(c), z=int(z))


@step
def whole_file_plane(uri: str, size: str, digest: str, page: str) -> Callable[[], Any]:
    """Fetch the file as any other, over several connections, then read the page."""
    import obstore
    import tifffile

    from cellfolio.storage.home import Home, ensure_held

    assert obstore

    def run() -> None:
        ensured = ensure_held([_image_entry(uri, size, digest)], Home(), None)
        tifffile.imread(next(iter(ensured.paths.values())), key=int(page))

    return run


@step
def one_connection_plane(uri: str, folder: str, page: str) -> Callable[[], Any]:
    """Fetch the file over one connection, then read the page."""
    import boto3
    import tifffile
    from boto3.s3.transfer import TransferConfig

    client = boto3.client("s3")
    bucket, key = uri.removeprefix("s3://").split("/", 1)
    path = Path(folder) / key

    def run() -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        client.download_file(bucket, key, str(path), Config=TransferConfig(use_threads=False))
        tifffile.imread(path, key=int(page))

    return run


def _image_entry(uri: str, size: str, digest: str) -> Any:
    from cellfolio.package.digests import Digest
    from cellfolio.package.entry import Entry

    return Entry("stack.ome.tiff", uri, int(size), Digest("SHA256", digest))


@step
def ours_local_plane(path: str, c: str, z: str) -> Callable[[], Any]:
    import imagecodecs

    from cellfolio.formats.images.opening import open_image

    assert imagecodecs
    return lambda: open_image(Path(path)).plane(c=int(c), z=int(z))


@step
def bioio_local_plane(path: str, c: str, z: str) -> Callable[[], Any]:
    warnings.simplefilter("ignore")
    import dask.array

    assert dask.array
    reader = import_module("bioio_ome_tiff").Reader
    BioImage = import_module("bioio").BioImage  # noqa: N806 - a class
    return lambda: (
        BioImage(path, reader=reader).get_image_dask_data("YX", C=int(c), Z=int(z)).compute()
    )


@step
def import_time(module: str) -> Callable[[], Any]:
    command = [sys.executable, "-c", f"import {module}"]
    return lambda: subprocess.run(command, check=True)


def _split(reference: str) -> tuple[str, str]:
    registry, namespace, name = reference.rsplit("/", 2)
    return registry, f"{namespace}/{name}"


def peak_memory() -> float:
    """Return the peak memory of this process in MB.

    ``ru_maxrss`` would also count the process that started this one.
    """
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmHWM in /proc/self/status")


@step
def ours_table(path: str, columns: str) -> Callable[[], Any]:
    import pandas
    import pyarrow.parquet

    from cellfolio.formats.format import Source
    from cellfolio.formats.loading import load
    from cellfolio.package.digests import Digest
    from cellfolio.storage.home import Home

    assert pandas
    assert pyarrow.parquet
    with Path(path).open("rb") as file:  # a package tells it
        digest = Digest("SHA256", hashlib.file_digest(file, "sha256").hexdigest())
    source = Source(Path(path), "profiles.csv.gz", digest, Home())
    return lambda: load(source, columns=_first_columns(columns))


@step
def pandas_table(path: str, columns: str) -> Callable[[], Any]:
    import pandas as pd

    from cellfolio.formats.delimited import exact_decimals

    return lambda: pd.read_csv(path, usecols=_first_columns(columns), **exact_decimals())


def _first_columns(count: str) -> list[str] | None:
    return [f"Cells_Feature_{at}" for at in range(int(count))] or None


@step
def ours_plate(folder: str) -> Callable[[], Any]:
    from cellfolio.imaging.options import ViewOptions
    from cellfolio.workflows.viewing import view

    _warm_imaging()
    return lambda: view(folder, ViewOptions(style="plate"))


@step
def ours_plate_saved(folder: str) -> Callable[[], Any]:
    from cellfolio.imaging.options import ViewOptions
    from cellfolio.workflows.viewing import view

    _warm_imaging()
    target = Path(folder).parent / "plate.png"
    return lambda: view(folder, ViewOptions(style="plate")).save(target)


def _warm_imaging() -> None:
    import imagecodecs
    import matplotlib.backends.backend_agg
    import matplotlib.figure

    from cellfolio.imaging.lettering import text_width

    assert imagecodecs
    assert matplotlib.figure
    assert matplotlib.backends.backend_agg
    text_width("A", 10)


@step
def tifffile_decode(folder: str) -> Callable[[], Any]:
    """Decode all files in as many threads as the montage has, and keep nothing."""
    import imagecodecs
    import tifffile

    from cellfolio.imaging.plate_montage import THREADS

    assert imagecodecs
    paths = sorted(Path(folder).iterdir())

    def decode(path: Path) -> None:
        tifffile.imread(path, maxworkers=1)

    def run() -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(decode, paths))

    return run


TEN = [2, 41, 350, 1_207, 4_000, 7_777, 12_345, 20_002, 27_182, 31_415]
"""Places of the genes that are asked for."""
CHUNK = 8192
"""Cells that the peer makes dense at a time."""


@step
def ours_genes(path: str) -> Callable[[], Any]:
    import h5py
    import numpy as np

    from cellfolio.formats.format import Source
    from cellfolio.formats.gene_columns import GeneColumns

    assert h5py

    def run() -> float:
        with GeneColumns(Source(Path(path), path)) as file:
            cells = np.arange(len(file.index("obs")))
            assert file.index("var")
            values = np.full((len(cells), len(TEN)), np.nan, dtype=file.dtype)
            file.fill(values, cells, np.array(TEN))
        return float(values.sum(dtype=np.float64))

    return run


@step
def dense_genes(path: str) -> Callable[[], Any]:
    import anndata
    import numpy as np

    def run() -> float:
        backed = anndata.read_h5ad(path, backed="r")
        total = 0.0
        for first in range(0, backed.n_obs, CHUNK):
            block = backed[first : first + CHUNK].X.toarray()
            total += block[:, TEN].sum(dtype=np.float64)
        backed.file.close()
        return total

    return run


# Profiles


@step
def ours_profiles(path: str, work: str) -> Callable[[], Any]:
    import cellfolio.profiles as profiles
    from benchmarks import recipe

    plate = recipe.read_plate(path)
    works: dict[str, Callable[[], Any]] = {
        "standardize": lambda: profiles.normalize(plate, profiles.Standardize()),
        "robustize": lambda: profiles.normalize(plate, profiles.Robustize()),
        "mad_robustize": lambda: profiles.normalize(plate, profiles.RobustMad()),
        "mad_robustize, negcon": lambda: profiles.normalize(
            plate, profiles.RobustMad(), reference=recipe.CONTROLS
        ),
        "spherize": lambda: profiles.normalize(plate, profiles.Spherize()),
        "feature_select": lambda: profiles.feature_select(plate, recipe.our_selection(profiles)),
        "modz": lambda: profiles.consensus(plate, recipe.REPLICATES, profiles.Modz()),
        "modz, treatments": lambda: profiles.consensus(plate, recipe.TREATMENTS, profiles.Modz()),
    }
    return works[work]


@step
def pycytominer_profiles(path: str, work: str) -> Callable[[], Any]:
    warnings.simplefilter("ignore")
    import pycytominer as peer

    from benchmarks import recipe

    plate = recipe.read_plate(path)
    if work.startswith("mad_robustize"):
        samples = recipe.CONTROLS if work.endswith("negcon") else "all"
        return lambda: peer.normalize(plate, method="mad_robustize", samples=samples)
    if work.startswith("modz"):
        by = recipe.TREATMENTS if work.endswith("treatments") else recipe.REPLICATES
        return lambda: peer.consensus(plate, [by], operation="modz")
    if work == "feature_select":
        return lambda: peer.feature_select(plate, operation=list(recipe.SELECTION))
    return lambda: peer.normalize(plate, method=work)


@step
def ours_cells(path: str) -> Callable[[], Any]:
    import pandas as pd

    from cellfolio.formats.single_cells.opening import open_cells
    from cellfolio.workflows.cell_profiles import aggregate_cells

    # What is imported on first use.
    with tempfile.TemporaryDirectory() as folder:
        cells = pd.DataFrame({"Metadata_Plate": "P", "Metadata_Well": "A01", "Cells_A": [1.0]})
        cells.to_parquet(Path(folder, "cells.parquet"))
        aggregate_cells(open_cells(Path(folder)))
    return lambda: aggregate_cells(open_cells(Path(path)), count_objects=True)


_WELLS = ["Metadata_Plate", "Metadata_Well"]


@step
def polars_cells(path: str) -> Callable[[], Any]:
    import polars as pl

    features = pl.all().exclude(_WELLS)
    return lambda: pl.read_parquet(path).group_by(_WELLS).agg(features.median())


@step
def pycytominer_cells(path: str) -> Callable[[], Any]:
    import pandas as pd
    import pycytominer as peer

    return lambda: peer.aggregate(pd.read_parquet(path), _WELLS)


@step
def pycytominer_single_cells(path: str) -> Callable[[], Any]:
    warnings.simplefilter("ignore")
    from pycytominer.cyto_utils.cells import SingleCells

    return lambda: SingleCells(
        f"sqlite:///{path}",
        strata=_WELLS,
        image_cols=["TableNumber", "ImageNumber", "Metadata_Site"],
        fields_of_view_feature="Metadata_Site",
    ).aggregate_profiles()


@step
def ours_writing(path: str, float_format: str) -> Callable[[], Any]:
    from benchmarks import recipe
    from cellfolio.formats.saving import write_table

    plate = recipe.read_plate(path)
    return lambda: write_table(plate, Path(path).with_name("ours.csv.gz"), float_format or None)


@step
def ours_tree(folder: str) -> Callable[[], Any]:
    import pandas
    import pyarrow.csv
    import pyarrow.parquet

    from cellfolio.workflows.single_cells import single_cells

    assert pandas
    assert pyarrow.csv
    assert pyarrow.parquet
    return lambda: single_cells(folder, Path(folder).parent / "cells.parquet")


@step
def pandas_tree(folder: str) -> Callable[[], Any]:
    """Read all tables, and do nothing with them."""
    import pandas as pd

    from cellfolio.formats.delimited import exact_decimals

    paths = sorted(Path(folder).glob("*/*.csv"))
    return lambda: [len(pd.read_csv(path, low_memory=False, **exact_decimals())) for path in paths]


@step
def pandas_writing(path: str, float_format: str) -> Callable[[], Any]:
    from benchmarks import recipe

    plate, target = recipe.read_plate(path), Path(path).with_name("pandas.csv.gz")
    return lambda: plate.to_csv(target, index=False, float_format=float_format or None)


@step
def ours_recipe(folder: str, write: str) -> Callable[[], Any]:
    import cellfolio.formats.loading
    import cellfolio.profiles
    from benchmarks import recipe

    assert cellfolio.formats.loading
    assert cellfolio.profiles
    place = Path(folder)
    writer = recipe.our_writer(place) if write else lambda table, name: None
    return lambda: recipe.run_ours(place, writer)


@step
def pycytominer_recipe(folder: str, write: str) -> Callable[[], Any]:
    warnings.simplefilter("ignore")
    import pycytominer

    from benchmarks import recipe

    assert pycytominer
    place = Path(folder)
    writer = recipe.peer_writer(place) if write else lambda table, name: None
    return lambda: recipe.run_peer(place, writer)


# Evaluation


@step
def ours_evaluation(path: str, work: str) -> Callable[[], Any]:
    import pandas as pd
    import scipy.stats

    from cellfolio import evaluation

    assert scipy.stats
    table = pd.read_parquet(path)
    drug, plate, control = _COLUMNS
    null = evaluation.SampledGroups(4, 1_000, 9000)
    apart = {"others": drug, "controls": control}
    works: dict[str, Callable[[], Any]] = {
        "means": lambda: evaluation.mean_average_precision(table, "Metadata_target", draws=100_000),
        "replicating": lambda: evaluation.percent_replicating(
            table, drug, null, only="Metadata_negcon == False"
        ),
    }
    return works.get(
        work,
        lambda: evaluation.average_precision(
            table, evaluation.PairRule(drug, neg_sameby=plate, neg_diffby=apart[work])
        ),
    )


@step
def peer_evaluation(path: str, work: str, cache: str) -> Callable[[], Any]:
    """Of copairs; or as the notebook of CPJUMP1 does it, which the tests have as a judge."""
    import random

    import numpy as np
    import pandas as pd
    from copairs import map as peer

    from tests.evaluation import oracles

    table = pd.read_parquet(path)
    drug, plate, control = _COLUMNS
    if work == "replicating":

        def notebook() -> float:
            treated = table[~table[control]]
            found = list(oracles.medians_of_replicates(treated, drug).values())
            stream = random.Random(9000)
            null = oracles.medians_of_others(treated, drug, 1_000, 4, stream)
            return float(np.mean(np.array(found) > np.nanpercentile(null, 95)))

        return notebook
    if work == "means":
        return lambda: peer.mean_average_precision(
            table, ["Metadata_target"], 100_000, 0.05, 0, progress_bar=False, cache_dir=cache
        )
    named = [name for name in table.columns if name.startswith("Cells")]
    metadata, values = table.drop(columns=named), table[named].to_numpy()
    apart = {"others": drug, "controls": control}[work]
    return lambda: peer.average_precision(
        metadata, values, [drug], [], [plate], [apart], progress_bar=False
    )


@step
def measuring(function: str, *arguments: str) -> Callable[[], Any]:
    """Measure images with a function of `benchmarks.measuring`."""
    found: Callable[[], Any] = getattr(import_module("benchmarks.measuring"), function)(
        *(int(one) if one.isdecimal() else one for one in arguments)
    )
    return found


_COLUMNS = ("Metadata_broad_sample", "Metadata_Plate", "Metadata_negcon")


# Prediction


def _outer_folds(rows: int, count: int) -> Any:
    """Yield the rows each model is trained on, and its inner folds."""
    import numpy as np

    from cellfolio.evaluation import group_folds

    outer = group_folds(range(rows), count)
    for fold in range(count):
        known = np.flatnonzero(outer != fold)
        yield known, group_folds(known.tolist(), 5)


def standardized(values: Any) -> Any:
    """Return columns with mean 0 and standard deviation 1."""
    return (values - values.mean(axis=0)) / values.std(axis=0)


def read_pair(shared: str) -> tuple[Any, Any]:
    """Return morphology and expression of 162 compounds."""
    from tests.evaluation.cdrp import read_cdrp

    return tuple(table.to_numpy() for table in read_cdrp(Path(shared)))  # type: ignore[return-value]


@step
def ours_lasso(shared: str, kept: str) -> Callable[[], Any]:
    """Of every gene; the weights of the first fold are kept, to be compared."""
    import numpy as np

    from cellfolio.evaluation import fit_lasso, minima

    assert minima
    features, targets = read_pair(shared)

    def run() -> None:
        fits = [
            fit_lasso(standardized(features[known]), standardized(targets[known]), inner)
            for known, inner in _outer_folds(len(features), 6)
        ]
        np.savez(kept, weights=fits[0].weights, penalties=fits[0].penalties)

    return run


@step
def sklearn_lasso(shared: str, genes: str) -> Callable[[], Any]:
    """Of some genes, with the penalties and folds of ours."""
    import numpy as np
    from sklearn.linear_model import LassoCV
    from sklearn.model_selection import PredefinedSplit

    from cellfolio.evaluation.lasso import PUBLISHED_PENALTIES

    features, targets = read_pair(shared)
    some = np.linspace(0, targets.shape[1] - 1, int(genes)).astype(int)

    def run() -> None:
        for known, inner in _outer_folds(len(features), 6):
            values, wanted = standardized(features[known]), standardized(targets[known])
            for gene in some:
                model = LassoCV(alphas=PUBLISHED_PENALTIES, cv=PredefinedSplit(inner), tol=1e-4)
                model.fit(values, wanted[:, gene])

    return run


@step
def ridge(shared: str, whose: str) -> Callable[[], Any]:
    """Of every gene, each with the penalty of the least error of rows left out."""
    from sklearn.linear_model import RidgeCV

    from cellfolio.evaluation import fit_ridge
    from cellfolio.evaluation.ridge import PENALTIES

    features, targets = read_pair(shared)
    fit = fit_ridge if whose == "ours" else RidgeCV(PENALTIES, alpha_per_target=True).fit

    def run() -> None:
        for known, _ in _outer_folds(len(features), 6):
            fit(standardized(features[known]), standardized(targets[known]))

    return run


@step
def ours_large_lasso(folds: str) -> Callable[[], Any]:
    """Of as many rows as CDRP has, and some of its 40 folds."""
    from itertools import islice

    import numpy as np

    from cellfolio.evaluation import fit_lasso, minima

    assert minima
    rng = np.random.default_rng(1)
    common = rng.normal(size=(20_358, 100))
    features = common @ rng.normal(size=(100, 727)) / 10 + rng.normal(size=(20_358, 727))
    targets = common @ rng.normal(size=(100, 977)) / 10 + 2 * rng.normal(size=(20_358, 977))

    def run() -> None:
        for known, inner in islice(_outer_folds(len(features), 40), int(folds)):
            values, wanted = standardized(features[known]), standardized(targets[known])
            fit_lasso(values, wanted, inner, workers=2)

    return run


def main() -> None:
    """Run the step named on the command line."""
    name, *arguments = sys.argv[1:]
    # What libraries print must not mix with the result.
    out = os.dup(1)
    os.dup2(2, 1)
    run = STEPS[name](*arguments)
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    result = {
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "memory": peak_memory(),
    }
    os.write(out, json.dumps(result).encode() + b"\n")


if __name__ == "__main__":
    main()
