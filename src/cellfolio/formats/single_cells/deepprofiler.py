"""Single cells as DeepProfiler writes them: a file of features for each site."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cellfolio.errors import BrokenFile, InvalidArgument
from cellfolio.formats.format import Source
from cellfolio.formats.options import check_columns
from cellfolio.formats.single_cells.source import CellBatch, CellProblem
from cellfolio.formats.streams import faults_named
from cellfolio.registries.plates import parse_well

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

_FEATURES, _LOCATIONS = "features", "locations"
_PREFIX = "efficientnet_"
"""The network of DeepProfiler; what a file says of it is a pickled object, which is never read."""
_SITE = ("Metadata_Plate", "Metadata_Well", "Metadata_Site")
_PLACE = ("Metadata_Location_Center_X", "Metadata_Location_Center_Y")


class DeepProfilerCells:
    """Cells in files ``plate/well/site.npz`` or ``plate/well_site.npz``, by plate, well and site.

    Each file has an array `features` of shape (cells, features), and may have `locations` of shape
    (cells, 2). Features are called ``efficientnet_0``, ``efficientnet_1`` and so on.

    Parameters
    ----------
    path : Path
        A file, or a folder of them; of a file, its folders tell plate and well.
    keep_going : bool
        Whether files that are broken, or have another number of features than the first, are left
        out.

    Raises
    ------
    BrokenFile
    """

    wells_in_order = True

    def __init__(self, path: Path, *, keep_going: bool = False) -> None:
        self._keep_going = keep_going
        self._problems: list[CellProblem] = []
        paths = path.rglob("*.npz") if path.is_dir() else [path]
        folder = path if path.is_dir() else path.parent
        sites = []
        for one in paths:
            source = Source(one, one.relative_to(folder).as_posix())
            try:
                sites.append(_site(source))
            except BrokenFile as error:
                self._fail(error, self._problems)
        self._sites = sorted(sites, key=lambda site: site.order)
        self._width = self._first_width(path)
        numbered = [f"{_PREFIX}{number}" for number in range(self._width)]
        self.columns: tuple[str, ...] = (*_SITE, *_PLACE, *numbered)

    def _first_width(self, path: Path) -> int:
        """Return the number of features of the first site that has cells and is whole."""
        for site in self._sites:
            try:
                features, _ = site.read()
            except BrokenFile as error:
                self._fail(error, [])
                continue
            if len(features):
                return int(features.shape[1])
        raise BrokenFile(path.name, "npz", "no file in it has features of a cell")

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[CellBatch]:
        """Read the cells, or some of their columns (see `CellSource`)."""
        wanted = self.columns if columns is None else tuple(columns)
        check_columns(self._sites[0].source, wanted, self.columns)
        problems = list(self._problems)
        empty = True
        for site in self._sites:
            try:
                table = self._table(site, wanted)
            except BrokenFile as error:
                self._fail(error, problems)
                continue
            yield CellBatch(table, tuple(problems))
            problems, empty = [], False
        if problems and not empty:
            yield CellBatch(table.slice(0, 0), tuple(problems))

    def _table(self, site: _Site, wanted: tuple[str, ...]) -> pa.Table:
        import numpy as np
        import pyarrow as pa

        features, locations = site.read()
        if not len(features):
            features = np.empty((0, self._width), np.float32)
        if features.shape[1] != self._width:
            raise BrokenFile(
                site.source.name,
                "npz",
                f"it has {features.shape[1]} features, and those before it {self._width}",
            )
        made = {name: [value] * len(features) for name, value in site.metadata.items()}
        arrays = {name: pa.array(values, pa.string()) for name, values in made.items()}
        for name, place in zip(_PLACE, locations.T, strict=True):
            arrays[name] = pa.array(place)
        numbers = [int(name.removeprefix(_PREFIX)) for name in wanted if name not in arrays]
        rows = np.ascontiguousarray(features[:, numbers].T)
        arrays |= {
            f"{_PREFIX}{number}": pa.array(row) for number, row in zip(numbers, rows, strict=True)
        }
        return pa.table({name: arrays[name] for name in wanted})

    def _fail(self, error: BrokenFile, problems: list[CellProblem]) -> None:
        if not self._keep_going:
            raise error
        problems.append(CellProblem(error.path, error.reason))


@dataclass(frozen=True, slots=True)
class _Site:
    source: Source
    metadata: dict[str, str]

    @property
    def order(self) -> tuple[str, str, int, str]:
        plate, well, site = self.metadata.values()
        return plate, well, int(site) if site.isdecimal() else 0, site

    def read(self) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.float64]]:
        """Return features, shape (cells, features), and locations, shape (cells, 2)."""
        import numpy as np

        name = self.source.name
        with (
            faults_named(self.source, "npz"),
            self.source.path.open("rb") as opened,
            np.load(opened, allow_pickle=False) as file,
        ):
            if not isinstance(file, np.lib.npyio.NpzFile) or _FEATURES not in file.files:
                raise BrokenFile(name, "npz", f"it has no array {_FEATURES!r}")
            features = file[_FEATURES]
            places = _numbers_of(file, _LOCATIONS)
        if not features.size:
            return np.empty((0, 0), np.float32), np.empty((0, 2))
        if features.ndim != 2 or features.dtype.kind != "f":
            raise BrokenFile(
                name,
                "npz",
                f"features should be rows of decimals, found {features.dtype} "
                f"of shape {features.shape}",
            )
        if places is None or places.shape[:1] != features.shape[:1] or places.ndim != 2:
            places = np.full((len(features), 2), np.nan)
        return features, places[:, :2].astype(np.float64)


def _numbers_of(file: np.lib.npyio.NpzFile, name: str) -> npt.NDArray[np.floating] | None:
    """Return an array of numbers with two columns or more, if the file has it."""
    if name not in file.files:
        return None
    try:
        found = file[name]
    except ValueError:  # a pickled object
        return None
    return found if found.dtype.kind in "fiu" and found.ndim == 2 and found.shape[1] > 1 else None


def _site(source: Source) -> _Site:
    """Tell plate, well and site by the path.

    Raises
    ------
    BrokenFile
        If it does not tell them.
    """
    folders = source.path.absolute().parts
    stem = source.path.stem
    well, gap, site = stem.rpartition("_")
    plate, well, site = (folders[-2], well, site) if gap else (folders[-3], folders[-2], stem)
    try:
        parse_well(well)
    except InvalidArgument:
        raise BrokenFile(
            source.name,
            "npz",
            f"its path should be plate/well/site.npz or plate/well_site.npz, and {well!r} is no "
            "well",
        ) from None
    return _Site(source, dict(zip(_SITE, (plate, well, site), strict=True)))
