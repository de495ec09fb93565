"""Questions to a release by directory and kind of data, in the peer's words."""

from __future__ import annotations

from abc import ABC, abstractmethod

from cellfolio.compat.abc.failures import NotInRelease
from cellfolio.errors import EntryNotFound
from cellfolio.registries.abc.release import AbcFile, Release, format_directory_size

METADATA = "metadata"
MATRICES = "expression_matrices"
VOLUMES = "image_volumes"
MAPMYCELLS = "mapmycells"
DATA = "data"
"""Stands for all kinds but `METADATA` and `MAPMYCELLS`, as version 0.2.0 divided them."""


class DataTypeNotInDirectory(EntryNotFound):
    """A directory of the release has no files of the kind asked for."""


def select(release: Release, directory: str, kind: str) -> list[AbcFile]:
    """Return the files of one kind in a directory, by name.

    Parameters
    ----------
    release : Release
    directory : str
    kind : str
        As the release names it, or `DATA`.

    Raises
    ------
    NotInRelease
        If there is no such directory.
    DataTypeNotInDirectory
        If it has no such files.
    """
    try:
        kinds = release.kinds(directory)
    except EntryNotFound as error:
        raise NotInRelease(str(error), hint=error.hint) from None
    wanted = [kind] if kind != DATA else [one for one in kinds if is_data(one)]
    found = [f for f in release.select(directory) if f.kind in wanted]
    if not found:
        raise DataTypeNotInDirectory(
            f"No {kind} files found in directory {directory} of release {release.version}.",
            hint=f"it has {', '.join(kinds)}" if kinds else "it is empty",
        )
    return sorted(found, key=lambda file: file.name)


def is_data(kind: str) -> bool:
    """Whether version 0.2.0 counts a kind among ``data``."""
    return kind not in (METADATA, MAPMYCELLS)


def find(release: Release, directory: str, name: str) -> AbcFile:
    """Return the file of a name such as ``gene`` or ``WMB-10XMulti/log2``, of whatever kind.

    Raises
    ------
    NotInRelease
        If there is no such directory or file, or the name lacks ``/log2`` or ``/raw``.
    """
    try:
        files = release.select(directory)
    except EntryNotFound as error:
        raise NotInRelease(str(error), hint=error.hint) from None
    exact = [file for file in files if file.name == name]
    if exact:
        return exact[-1]
    variants = sorted(file.variant for file in files if file.stem == name and file.variant)
    if variants:
        raise NotInRelease(
            f"File {name} found in directory but multiple files found: {variants}. Please specify "
            f"the file name as one of {[f'{name}/{variant}' for variant in variants]}",
            hint=f"for example {name + '/' + variants[0]!r}",
        )
    try:
        release.find(directory, name)
    except EntryNotFound as error:
        hint = error.hint
    raise NotInRelease(f"File {name} not found in directory {directory}.", hint=hint)


class Questions(ABC):
    """Lists and sizes; who has a release gets them from here.

    Every method raises `NotInRelease` (a ``KeyError``) for an unknown directory, and
    `DataTypeNotInDirectory` where the directory has no files of that kind.
    """

    @property
    @abstractmethod
    def _release(self) -> Release:
        """The release that is asked."""

    @property
    def list_directories(self) -> list[str]:
        """Directories of the release, sorted."""
        return list(self._release.directories)

    def list_files(self, directory: str, data_kind: str) -> list[str]:
        """Return the names of the files of one kind, sorted."""
        return sorted({file.name for file in select(self._release, directory, data_kind)})

    def list_metadata_files(self, directory: str) -> list[str]:
        """Return the names of the metadata files, sorted."""
        return self.list_files(directory, METADATA)

    def list_data_files(self, directory: str) -> list[str]:
        """Return the names of the expression matrices and image volumes, sorted."""
        return self.list_files(directory, DATA)

    def list_expression_matrix_files(self, directory: str) -> list[str]:
        """Return the names of the expression matrices, sorted."""
        return self.list_files(directory, MATRICES)

    def list_image_volume_files(self, directory: str) -> list[str]:
        """Return the names of the image volumes, sorted."""
        return self.list_files(directory, VOLUMES)

    def list_mapmycells_files(self, directory: str) -> list[str]:
        """Return the names of the MapMyCells files, sorted."""
        return self.list_files(directory, MAPMYCELLS)

    def get_directory_size_by_kind(self, directory: str, data_kind: str) -> str:
        """Return the size of the files of one kind, as ``'104.16 GB'`` or ``'4.65 MB'``."""
        files = select(self._release, directory, data_kind)
        return format_directory_size(sum(file.size for file in files))

    def get_directory_metadata_size(self, directory: str) -> str:
        """Return the size of the metadata."""
        return self.get_directory_size_by_kind(directory, METADATA)

    def get_directory_data_size(self, directory: str) -> str:
        """Return the size of the expression matrices and image volumes."""
        return self.get_directory_size_by_kind(directory, DATA)

    def get_directory_expression_matrix_size(self, directory: str) -> str:
        """Return the size of the expression matrices."""
        return self.get_directory_size_by_kind(directory, MATRICES)

    def get_directory_image_volume_size(self, directory: str) -> str:
        """Return the size of the image volumes."""
        return self.get_directory_size_by_kind(directory, VOLUMES)

    def get_directory_mapmycells_size(self, directory: str) -> str:
        """Return the size of the MapMyCells files."""
        return self.get_directory_size_by_kind(directory, MAPMYCELLS)
