"""Steps that open stacks, far and near, and draw plates."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.steps import Work, step

# One plane of a stack


@step
def ours_open(uri: str, size: str, digest: str) -> Work:
    """Read the list of pages, so that it is kept."""
    from cellfolio.formats.images.opening import open_image

    return lambda: open_image(_image_entry(uri, size, digest))


@step
def ours_far_plane(uri: str, size: str, digest: str, c: str, z: str) -> Work:
    import imagecodecs
    import obstore

    from cellfolio.formats.images.opening import open_image

    assert imagecodecs
    assert obstore
    return lambda: open_image(_image_entry(uri, size, digest)).plane(c=int(c), z=int(z))


@step
def whole_file_plane(uri: str, size: str, digest: str, page: str) -> Work:
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
def one_connection_plane(uri: str, folder: str, page: str) -> Work:
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
def ours_local_plane(path: str, c: str, z: str) -> Work:
    import imagecodecs

    from cellfolio.formats.images.opening import open_image

    assert imagecodecs
    return lambda: open_image(Path(path)).plane(c=int(c), z=int(z))


@step
def bioio_local_plane(path: str, c: str, z: str) -> Work:
    warnings.simplefilter("ignore")
    import dask.array

    assert dask.array
    reader = import_module("bioio_ome_tiff").Reader
    BioImage = import_module("bioio").BioImage  # noqa: N806 - a class
    return lambda: (
        BioImage(path, reader=reader).get_image_dask_data("YX", C=int(c), Z=int(z)).compute()
    )


# All images of a plate


@step
def ours_plate(folder: str) -> Work:
    from cellfolio.imaging.options import ViewOptions
    from cellfolio.workflows.viewing import view

    _warm_imaging()
    return lambda: view(folder, ViewOptions(style="plate"))


@step
def ours_plate_saved(folder: str) -> Work:
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
def tifffile_decode(folder: str) -> Work:
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
