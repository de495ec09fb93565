"""The Cell Painting Gallery: where things are, which plates there are, where a plate's folder is.

::

    <project>/<source>/images/<batch>/images/<plate folder>/Images/r01c01f01p01-ch1sk1fk1fl1.tiff
                      /images/<batch>/illum/<plate>/<plate>_IllumDNA.npy
                      /workspace/load_data_csv/<batch>/<plate>/load_data.csv.gz
                      /workspace/profiles/<batch>/<plate>/<plate>_normalized.csv.gz
                      /workspace/metadata/platemaps/<batch>/barcode_platemap.csv

A plate's folder of images is called as the microscope exported it, barcode, time and number of the
measurement: ``BR00117010__2020-11-08T18_18_00-Measurement1``. Elsewhere it is called by barcode.

References
----------
"Cell Painting Gallery folder structure", documentation of broadinstitute/cellpainting-gallery.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property

from cellfolio.errors import InvalidArgument, NotFound
from cellfolio.storage.places import Place, parse_uri
from cellfolio.storage.remote import Remotes, with_retries

IMAGE_FOLDER = "Images"
"""Folder that the Opera Phenix makes in a plate's folder."""

_AREAS = ("images", "workspace", "workspace_dl")
_BY_PLATE = (
    "analysis",
    "backend",
    "load_data_csv",
    "profiles",
    "quality_control",
    "segmentation",
    "embeddings",
)
"""Folders of a workspace that have a folder for each batch, and in it one for each plate."""
_PLATE_FOLDER = re.compile(
    r"(?P<barcode>.+?)__(?P<time>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}_[0-9]{2}_[0-9]{2})"
    r"-Measurement[ _]?(?P<number>[0-9]{1,9})"
)
_TABLE_HEADER = ["batch", "plate", "description", "images"]


# Layout


@dataclass(frozen=True)
class GalleryLayout:
    """Where the parts of a project's source are.

    Parameters
    ----------
    root : str
        URI of the source: ``s3://cellpainting-gallery/<project>/<source>``.

    Examples
    --------
    >>> layout = GalleryLayout("s3://cellpainting-gallery/cpg0000-jump-pilot/source_4")
    >>> layout.load_data("2020_11_04_CPJUMP1", "BR00116991").path
    'cpg0000-jump-pilot/source_4/workspace/load_data_csv/2020_11_04_CPJUMP1/BR00116991'
    """

    root: str

    @cached_property
    def _place(self) -> Place:
        return parse_uri(self.root)

    def _below(self, *parts: str) -> Place:
        path = "/".join(part for part in (self._place.path.strip("/"), *parts) if part)
        return Place(self._place.root, path)

    def images(self) -> Place:
        """Return the folder of all batches' images."""
        return self._below("images")

    def plate_folders(self, batch: str) -> Place:
        """Return the folder that has a folder for each plate."""
        return self._below("images", batch, "images")

    def plate_images(self, batch: str, folder: str) -> Place:
        """Return the folder of a plate's image files."""
        return self._below("images", batch, "images", folder, IMAGE_FOLDER)

    def illumination(self, batch: str, plate: str) -> Place:
        """Return the folder of a plate's illumination functions."""
        return self._below("images", batch, "illum", plate)

    def load_data(self, batch: str, plate: str) -> Place:
        """Return the folder of a plate's ``load_data.csv``, which may be compressed."""
        return self._below("workspace", "load_data_csv", batch, plate)

    def profiles(self, batch: str, plate: str) -> Place:
        """Return the folder of a plate's profiles."""
        return self._below("workspace", "profiles", batch, plate)

    def metadata(self) -> Place:
        """Return the folder of plate maps and of what is known of the perturbations."""
        return self._below("workspace", "metadata")

    def platemaps(self, batch: str) -> Place:
        """Return the folder of a batch's plate maps."""
        return self._below("workspace", "metadata", "platemaps", batch)

    def external_metadata(self) -> Place:
        """Return the folder of what is known of the perturbations."""
        return self._below("workspace", "metadata", "external_metadata")


@dataclass(frozen=True, slots=True)
class GalleryPlace:
    """What the key of an object in the gallery tells.

    Attributes
    ----------
    project, source : str
    area : {'images', 'workspace', 'workspace_dl'}
    part : str
        Folder in the area, such as ``images``, ``illum``, ``profiles``, ``metadata``.
    batch, plate : str or None
        None where the key tells none; the plate as a barcode.
    folder : str or None
        The plate's folder, as it is called.
    rest : str
        The key below all these.
    """

    project: str
    source: str
    area: str
    part: str
    batch: str | None
    plate: str | None
    folder: str | None
    rest: str


def parse_gallery_key(key: str) -> GalleryPlace | None:
    """Read an object's key, below the bucket; None where it does not follow the layout.

    Examples
    --------
    >>> place = parse_gallery_key("cpg0000-jump-pilot/source_4/images/2020_11_04_CPJUMP1/images/"
    ...     "BR00117010__2020-11-08T18_18_00-Measurement1/Images/r01c01f01p01-ch1sk1fk1fl1.tiff")
    >>> place.batch, place.plate, place.rest
    ('2020_11_04_CPJUMP1', 'BR00117010', 'Images/r01c01f01p01-ch1sk1fk1fl1.tiff')
    >>> parse_gallery_key("index.html") is None
    True
    """
    parts = key.split("/")
    if len(parts) < 5 or not all(parts) or parts[2] not in _AREAS:
        return None
    project, source, area, *below = parts
    batch = folder = None
    if area == "images":
        if len(below) < 3:
            return None
        batch, part, *rest = below
        plated = True
    else:
        part, *rest = below
        plated = part in _BY_PLATE
        if plated and len(rest) > 1:
            batch, *rest = rest
        elif rest[0] == "platemaps" and len(rest) > 2:
            batch, *rest = rest[1:]
    if plated and len(rest) > 1:
        folder, *rest = rest
    plate = None if folder is None else parse_plate_folder(folder).barcode
    return GalleryPlace(project, source, area, part, batch, plate, folder, "/".join(rest))


@dataclass(frozen=True, slots=True, order=True)
class PlateFolder:
    """A folder with the images of one measurement of a plate; the newest sorts last.

    Attributes
    ----------
    time : str
        When it was measured: ``2020-11-08T18_18_00``; empty where the name tells none.
    measurement : int
        Its number; 0 where the name tells none.
    barcode, name : str
    """

    time: str
    measurement: int
    barcode: str
    name: str


def parse_plate_folder(name: str) -> PlateFolder:
    """Read the name of a plate's folder: as the microscope exports it, or a barcode.

    Examples
    --------
    >>> parse_plate_folder("BR00116991A__2020-12-08T19_51_35-Measurement2").barcode
    'BR00116991A'
    >>> parse_plate_folder("BR00116991").measurement
    0
    """
    found = _PLATE_FOLDER.fullmatch(name)
    if found is None:
        return PlateFolder("", 0, name, name)
    return PlateFolder(found["time"], int(found["number"]), found["barcode"], name)


# Plates


@dataclass(frozen=True, slots=True)
class PlateRecord:
    """What a data set's authors tell of a plate.

    Attributes
    ----------
    batch, plate, description : str
    expected_images : int
    """

    batch: str
    plate: str
    description: str
    expected_images: int


def read_plates(text: str) -> tuple[PlateRecord, ...]:
    r"""Read a table of plates: CSV with the columns ``batch,plate,description,images``.

    Raises
    ------
    InvalidArgument
        If the header is another, a row has other fields, or a plate is in a batch twice.

    Examples
    --------
    >>> read_plates("batch,plate,description,images\nday1,BR1,A549 ORF,12288\n")[0]
    PlateRecord(batch='day1', plate='BR1', description='A549 ORF', expected_images=12288)
    """
    lines = csv.reader(text.splitlines())
    header = next(lines, [])
    if header != _TABLE_HEADER:
        raise InvalidArgument(
            f"a table of plates begins with {','.join(_TABLE_HEADER)}; found {','.join(header)!r}"
        )
    records: dict[tuple[str, str], PlateRecord] = {}
    for number, fields in enumerate(lines, 2):
        if len(fields) != len(_TABLE_HEADER) or not re.fullmatch("[0-9]{1,9}", fields[3]):
            raise InvalidArgument(
                f"line {number} of the table of plates should be batch, plate, description and "
                f"a number of images; found {','.join(fields)!r}"
            )
        batch, plate, description, images = fields
        if (batch, plate) in records:
            raise InvalidArgument(f"line {number}: plate {plate} is in {batch} twice")
        records[batch, plate] = PlateRecord(batch, plate, description, int(images))
    return tuple(records.values())


@dataclass(frozen=True, slots=True)
class PlatePlace:
    """Where a plate's images are.

    Attributes
    ----------
    batch, plate : str
        The plate by its barcode.
    folder : str
        Name of the folder used.
    others : tuple of str
        Folders of other measurements of the same plate, the newest first.
    images : Place
        Folder of the image files.
    record : PlateRecord or None
        What the table of plates tells; None where the plate is not in it.
    """

    batch: str
    plate: str
    folder: str
    others: tuple[str, ...]
    images: Place
    record: PlateRecord | None


def find_plate(
    remotes: Remotes,
    root: str,
    plate: str,
    *,
    batch: str | None = None,
    plates: Sequence[PlateRecord] = (),
) -> PlatePlace:
    """Find the folder of a plate. One listing of its batch is all that is asked of the store.

    Of several measurements the newest is used.

    Parameters
    ----------
    remotes : Remotes
    root : str
        URI of the source, see `GalleryLayout`.
    plate : str
        Barcode, or the name of the folder of one measurement.
    batch : str, optional
        None where `plates` has the plate in one batch only.
    plates : sequence of PlateRecord
        The data set's table of plates.

    Raises
    ------
    InvalidArgument
        If the plate is in several batches and none is named.
    NotFound
        If the table does not know the plate, or the batch has no folder of it.
    ServerUnreachable, AccessRefused, TransferError
    """
    wanted = parse_plate_folder(plate)
    chosen = batch if batch is not None else _only_batch(wanted.barcode, plates)
    layout = GalleryLayout(root)
    place = layout.plate_folders(chosen)
    names = with_retries(lambda: remotes.folders(place))
    folders = [parse_plate_folder(name) for name in names]
    of_plate = sorted((one for one in folders if one.barcode == wanted.barcode), reverse=True)
    used = next((one for one in of_plate if plate in (one.name, one.barcode)), None)
    if used is None:
        raise _not_there(plate, place, folders, [record.batch for record in plates])
    records = [one for one in plates if (one.batch, one.plate) == (chosen, used.barcode)]
    return PlatePlace(
        chosen,
        used.barcode,
        used.name,
        tuple(one.name for one in of_plate if one != used),
        layout.plate_images(chosen, used.name),
        records[0] if records else None,
    )


def _only_batch(barcode: str, plates: Sequence[PlateRecord]) -> str:
    batches = [record.batch for record in plates if record.plate == barcode]
    if len(batches) == 1:
        return batches[0]
    if batches:
        raise InvalidArgument(
            f"plate {barcode} is in {len(batches)} batches: {', '.join(batches)}",
            hint="name one of them with batch=… (--batch)",
        )
    raise NotFound(
        f"no plate {barcode!r} is in the table of {len(plates)} plates",
        hint=_close(barcode, (record.plate for record in plates))
        or "name its batch with batch=… (--batch) to look for it in the bucket",
    )


def _not_there(
    plate: str, place: Place, folders: Sequence[PlateFolder], batches: Iterable[str]
) -> NotFound:
    if not folders:
        known = ", ".join(dict.fromkeys(batches))
        return NotFound(
            f"{place.uri} has no plates; expected a folder of {plate}",
            hint=f"the batches are {known}" if known else "check the batch and the address",
        )
    barcode = parse_plate_folder(plate).barcode
    measured = [one.name for one in folders if one.barcode == barcode]
    return NotFound(
        f"no folder of {plate} is in {place.uri}; found {len(folders)} others",
        hint=f"its measurements are {', '.join(measured)}"
        if measured
        else _close(barcode, (one.barcode for one in folders)),
    )


def _close(name: str, known: Iterable[str]) -> str:
    """Return a hint that names what is called almost the same, or an empty string."""
    close = get_close_matches(name.upper(), list(dict.fromkeys(known)), n=3, cutoff=0.75)
    return f"did you mean {' or '.join(close)}?" if close else ""
