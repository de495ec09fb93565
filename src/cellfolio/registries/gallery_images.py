"""The images of a plate, or of some of its wells, as a package; and what of them is missing.

Rule 1: only what is asked for is listed. Keys sort by row, then column, so the images of a well
stand together; one request lists 1,000 keys.
Rule 2: what a complete plate has is a grid of wells, sites and channels. What of it is not there
is named, and so is what is there but not of it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cellfolio.package.entry import Entry
from cellfolio.package.etags import etag_digest
from cellfolio.package.package import Package
from cellfolio.registries.gallery import (
    IMAGE_FOLDER,
    GalleryLayout,
    PlatePlace,
    PlateRecord,
    find_plate,
)
from cellfolio.registries.plates import (
    PLATE_384,
    ImageName,
    PlateFormat,
    Well,
    match_image_name,
    name_numbers,
    name_wells,
)
from cellfolio.registries.selection import CPJUMP1_CHANNELS, Grid, Selection
from cellfolio.storage.places import Place, local_path
from cellfolio.storage.remote import ObjectInfo, Remotes, with_retries
from cellfolio.storage.workers import at_once

CHANNELS = tuple(channel.number for channel in CPJUMP1_CHANNELS)
USUAL_SITES = 9
"""Sites of a well of CPJUMP1, where nothing tells another number."""

_GAP = 6
"""Wells that one listing steps over: at 16 sites they are 768 keys, less than one request."""
_WHOLE_PLATE_LISTINGS = 4
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Selected:
    """The images of a plate that were asked for.

    Attributes
    ----------
    place : PlatePlace
    selection : Selection
    package : Package
        What was found; the logical keys are the paths below ``<root>/images/``.
    expected : int
        For a whole plate that the table of plates has, its number; else that of a complete plate.
    missing : tuple of ImageName
        What a complete plate has, and this one has not.
    surplus : tuple of str
        Names of files that are no image of the grid, or a second one of it; left out.
    """

    place: PlatePlace
    selection: Selection
    package: Package
    expected: int
    missing: tuple[ImageName, ...]
    surplus: tuple[str, ...]

    @property
    def found(self) -> int:
        """Number of images found."""
        return len(self.package.rows)


def select_images(
    root: str,
    selection: Selection,
    plates: Sequence[PlateRecord],
    remotes: Remotes,
    *,
    shape: PlateFormat = PLATE_384,
) -> Selected:
    """List the images that a selection asks for.

    Parameters
    ----------
    root : str
        URI of the source, see `cellfolio.registries.gallery.GalleryLayout`.
    selection : Selection
    plates : sequence of PlateRecord
        The data set's table of plates.
    remotes : Remotes
    shape : PlateFormat
        How many wells the plate has.

    Raises
    ------
    InvalidArgument, NotFound
        See `cellfolio.registries.gallery.find_plate`.
    ServerUnreachable, AccessRefused, TransferError

    Examples
    --------
    Five channels of one well::

        asked = parse_selection("BR00116991", wells="A01", channels="fluorescence")
        selected = select_images(root, asked, plates, Remotes())
        print(summarise(selected))
    """
    place = find_plate(remotes, root, selection.plate, batch=selection.batch, plates=plates)
    listed = _list_wells(remotes, place, selection.wells, shape)
    images, surplus = _sort_out(listed, selection)
    grid = Grid(shape, _sites(images, place.record, shape), CHANNELS)
    wanted = selection.expected(grid)
    missing = tuple(image for image in wanted if image not in images)
    over = images.keys() - frozenset(wanted)
    surplus += [images.pop(image).path.rpartition("/")[2] for image in over]
    told = place.record if selection.whole_plate else None
    return Selected(
        place,
        selection,
        _package(images.values(), root, place),
        len(wanted) if told is None else told.expected_images,
        missing,
        tuple(sorted(surplus)),
    )


def _package(images: Iterable[ObjectInfo], root: str, place: PlatePlace) -> Package:
    folder = GalleryLayout(root).images()
    in_s3 = folder.root.startswith("s3://")  # elsewhere an ETag is no digest
    entries = []
    for info in images:
        key = info.path.removeprefix(folder.path + "/")
        uri = Place(folder.root, info.path).uri
        digest = etag_digest(info.e_tag, info.size) if in_s3 else None
        entries.append(Entry(key, uri, info.size, digest))
    return Package.of(entries, meta={"batch": place.batch, "plate": place.plate})


# Listing


@dataclass(frozen=True, slots=True)
class _Span:
    """Names that sort after `after`, up to and with `through`; None is without end."""

    after: str | None
    through: str | None


def _list_wells(
    remotes: Remotes, place: PlatePlace, wells: Sequence[Well], shape: PlateFormat
) -> dict[str, ObjectInfo]:
    """Return what is in the plate's folder of images, at least all of the wells, by name."""
    folder = place.images
    prefix = folder.path + "/"

    def within(span: _Span) -> dict[str, ObjectInfo]:
        found = {}
        after = None if span.after is None else prefix + span.after
        for info in remotes.objects(folder, after=after):
            name = info.path.removeprefix(prefix)
            if not info.size and name.endswith("/" + IMAGE_FOLDER):
                continue  # the empty object that marks the folder, as the client calls it
            if span.through is not None and name > span.through:
                break
            found[name] = info
        return found

    # A folder on disk, maybe as a mirror, is listed in any order, so only as a whole.
    ordered = local_path(remotes.locate(folder).uri) is None
    spans = _spans(wells, shape) if ordered else [_Span(None, None)]
    parts = at_once(lambda span: with_retries(lambda: within(span)), spans)
    return {name: info for part in parts for name, info in part.items()}


def _spans(wells: Sequence[Well], shape: PlateFormat) -> list[_Span]:
    """Return few spans of names that hold all images of the wells; of the plate for none."""
    if not wells:
        step = -(-shape.rows // _WHOLE_PLATE_LISTINGS)
        starts = [f"r{row:02}" for row in range(1 + step, shape.rows + 1, step)]
        return [_Span(*pair) for pair in zip([None, *starts], [*starts, None], strict=True)]
    runs: list[tuple[Well, Well]] = []
    for well in sorted(wells):
        if runs and _distance(runs[-1][1], well, shape) <= _GAP + 1:
            runs[-1] = (runs[-1][0], well)
        else:
            runs.append((well, well))
    # After the well comes "f" for the field, so "g" sorts after all images of the well.
    return [_Span(_start(first), _start(last) + "g") for first, last in runs]


def _distance(one: Well, two: Well, shape: PlateFormat) -> int:
    return (two.row - one.row) * shape.columns + two.column - one.column


def _start(well: Well) -> str:
    return f"r{well.row:02}c{well.column:02}"


# Sorting out


def _sort_out(
    listed: Mapping[str, ObjectInfo], selection: Selection
) -> tuple[dict[ImageName, ObjectInfo], list[str]]:
    """Return the images asked for, and names of files that stand among them and are none."""
    kept: dict[ImageName, str] = {}
    surplus = []
    starts = {_start(well) for well in selection.wells}
    for name in sorted(listed):
        image = match_image_name(name)
        if image is None:
            if not starts or name[:6] in starts:
                surplus.append(name)
        elif selection.matches(image):
            other = kept.get(image)
            if other is None or name == str(image):
                kept[image] = name
            if other is not None:  # ch1 and ch01, or tif and tiff
                surplus.append(other if kept[image] == name else name)
    return {image: listed[name] for image, name in kept.items()}, surplus


def _sites(
    images: Iterable[ImageName], record: PlateRecord | None, shape: PlateFormat
) -> tuple[int, ...]:
    """Return the sites that each well of the plate has.

    Those that many wells have: half as many as have the most common one. If the table tells of
    more (27,352 images of 384 wells and 8 channels are 9 sites, some of them not there), then
    also the next most common ones, and the lowest numbers.
    """
    wells_with = Counter(site for _, site in {(image.well, image.site) for image in images})
    often = sorted(wells_with, key=lambda site: (-wells_with[site], site))
    common = [site for site in often if 2 * wells_with[site] >= wells_with[often[0]]]
    if record is not None:
        count = -(-record.expected_images // (shape.size * len(CHANNELS)))
    else:
        count = 1 if common else USUAL_SITES
    spare = [site for site in range(1, count + 1) if site not in wells_with]
    return tuple(sorted([*often, *spare][: max(count, len(common))]))


# Telling


def summarise(selected: Selected) -> str:
    """Return what was found, what is missing and what was left out, in a few lines."""
    incomplete = len({(image.well, image.site) for image in selected.missing})
    line = f"{selected.place.plate}: {selected.found:,} of {selected.expected:,} images expected"
    if incomplete:
        line += f"; {incomplete:,} {'site' if incomplete == 1 else 'sites'} incomplete"
    lines = [line, *_tell_missing(selected)]
    if selected.surplus:
        lines.append(f"left out, not among the images expected: {_some(selected.surplus)}")
    if selected.place.others:
        count = len(selected.place.others) + 1
        named = selected.selection.plate == selected.place.folder
        which = "the one named" if named else "the newest"
        lines.append(f"of {count} measurements, {which} is used: {selected.place.folder}")
        lines.append(f"other measurements: {_some(selected.place.others)}")
    return "\n".join(lines)


def _tell_missing(selected: Selected) -> list[str]:
    """Return a line for wells without any image, and one for the other sites."""
    channels: dict[Well, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for image in selected.missing:
        channels[image.well][image.site].append(image.channel)
    names = (match_image_name(entry.name) for entry in selected.package.walk())
    there = {name.well for name in names if name is not None}
    lines = []
    if absent := channels.keys() - there:
        lines.append(f"no images of wells {name_wells(absent)}")
    asked = len(selected.selection.channels or CHANNELS)
    partly = [
        f"{well} {text}"
        for well in sorted(channels.keys() & there)
        for text in _tell_sites(channels[well], asked)
    ]
    if partly:
        lines.append(f"missing: {_some(partly, '; ')}")
    return lines


def _tell_sites(channels: Mapping[int, Sequence[int]], asked: int) -> list[str]:
    """Return words for a well's sites that lack all channels asked for, then for the others."""
    whole = [site for site, lacking in channels.items() if len(lacking) == asked]
    words = [_plural("site", whole)] if whole else []
    for site in sorted(channels.keys() - set(whole)):
        words.append(f"site {site} {_plural('channel', channels[site])}")
    return words


def _plural(word: str, numbers: Sequence[int]) -> str:
    return f"{word}{'s' if len(numbers) > 1 else ''} {name_numbers(numbers)}"


def _some(names: Sequence[str], between: str = ", ") -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return between.join(names[:_SHOWN]) + more
