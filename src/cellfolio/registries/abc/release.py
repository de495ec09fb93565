"""A release of the Allen Brain Cell Atlas: its directories and files, and questions to it.

::

    releases/<release>/manifest.json                          one release
    <kind>/<directory>/<version>/[views/]<file>               its files, which releases share

Rule 1: a file keeps the version of the release that brought it; unchanged files are listed again
with their old path, so releases share them.
Rule 2: a name is ``gene``, or ``WMB-10XMulti/log2`` where a file comes in variants.

References
----------
Manifests of releases 20231215 and 20250531 in ``s3://allen-brain-cell-atlas``, and
abc_atlas_access 0.2.0 and 1.1.1, which read them.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from cellfolio.errors import EntryNotFound
from cellfolio.package.digests import Digest
from cellfolio.package.entry import LISTED, Entry
from cellfolio.package.nearest import suggest_or_list
from cellfolio.package.package import Package


@dataclass(frozen=True, slots=True)
class AbcFile:
    """One file of a release.

    Attributes
    ----------
    directory : str
        Data set, such as ``WMB-10X``.
    kind : str
        ``metadata``, ``expression_matrices``, ``image_volumes``, ``mapmycells``, or another.
    stem : str
        Name without the variant.
    variant : str or None
        ``log2`` or ``raw``; None where the file comes in one form only.
    file_type : str
        ``csv``, ``h5ad``, ``nii.gz``, or another.
    version : str
        Release that brought these bytes.
    relative_path : str
        Key in the bucket; a valid logical key.
    url : str
        Where a browser gets it.
    size : int
        Bytes.
    md5 : str or None
        As the manifest has it; manifests of early 2024 have none.
    """

    directory: str
    kind: str
    stem: str
    variant: str | None
    file_type: str
    version: str
    relative_path: str
    url: str
    size: int
    md5: str | None

    @property
    def name(self) -> str:
        """Name as it is listed: the stem, or ``stem/variant``."""
        return self.stem if self.variant is None else f"{self.stem}/{self.variant}"


@dataclass(frozen=True, slots=True)
class AbcFolder:
    """The files of one kind in a directory, as the manifest sums them up.

    Attributes
    ----------
    directory, kind, version, relative_path, url : str
    view_link : str or None
        Page that lists the folder.
    total_size : int or None
        Bytes, as stated; `Release.size` adds up the files instead. The two differ for
        ``WMB-taxonomy`` in the real releases.
    """

    directory: str
    kind: str
    version: str
    relative_path: str
    url: str
    view_link: str | None
    total_size: int | None


@dataclass(frozen=True, slots=True)
class Release:
    """One release: its directories and files.

    Attributes
    ----------
    version : str
        Name of the release, such as ``20250531``.
    resource_uri : str
        Where the files are, as the manifest says.
    directories : tuple of str
        Sorted.
    folders : tuple of AbcFolder
        By directory and kind.
    files : tuple of AbcFile
        By directory, kind and name.
    """

    version: str
    resource_uri: str
    directories: tuple[str, ...]
    folders: tuple[AbcFolder, ...]
    files: tuple[AbcFile, ...]

    def kinds(self, directory: str) -> list[str]:
        """Return the kinds of data that a directory has, sorted.

        Raises
        ------
        EntryNotFound
            If there is no such directory.
        """
        self._check_directory(directory)
        listed: tuple[AbcFolder | AbcFile, ...] = (*self.folders, *self.files)
        return sorted({item.kind for item in listed if item.directory == directory})

    def names(self, directory: str, kind: str | None = None) -> list[str]:
        """Return the names of the files in a directory, sorted; each can be given to `find`.

        Raises
        ------
        EntryNotFound
            If there is no such directory, or it has nothing of that kind.
        """
        return sorted({file.name for file in self.select(directory, kind)})

    def size(self, directory: str, kind: str | None = None) -> int:
        """Return the bytes of the files in a directory.

        Raises
        ------
        EntryNotFound
            If there is no such directory, or it has nothing of that kind.
        """
        return sum(file.size for file in self.select(directory, kind))

    def select(self, directory: str, kind: str | None = None) -> list[AbcFile]:
        """Return the files of a directory, all or of one kind, by kind and name.

        Raises
        ------
        EntryNotFound
            If there is no such directory, or it has nothing of that kind.
        """
        if kind is not None and kind not in (kinds := self.kinds(directory)):
            raise EntryNotFound(
                f"{directory} of release {self.version} has no {kind!r}; "
                f"expected one of {', '.join(kinds) or 'none: it is empty'}",
                hint=suggest_or_list(kind, kinds),
            )
        self._check_directory(directory)
        return [f for f in self.files if f.directory == directory and kind in (None, f.kind)]

    def find(self, directory: str, name: str, kind: str | None = None) -> AbcFile:
        """Return the file of that name.

        Parameters
        ----------
        directory : str
        name : str
            As `names` lists it. The variant may be left out where there is only one.
        kind : str, optional
            Look at files of this kind only.

        Raises
        ------
        EntryNotFound
            If there is no such directory or file, or the name stands for several files.
        """
        files = self.select(directory, kind)
        found = [f for f in files if f.name == name] or [f for f in files if f.stem == name]
        if len(found) == 1:
            return found[0]
        where = f"{directory} of release {self.version}"
        if not found:
            listed = sorted({f.name for f in files})
            # ``gene/log2`` of a file without variants: the part before the stroke is meant.
            meant = name.rpartition("/")[0]
            hint = f"did you mean {meant}?" if meant in listed else suggest_or_list(name, listed)
            raise EntryNotFound(f"{where} has no file {name!r}", hint=hint)
        choices = sorted({f.name for f in found})
        if len(choices) == 1:
            choices = sorted(f.relative_path for f in found)
            hint = "name the kind too" if len({f.kind for f in found}) > 1 else ""
        else:
            hint = f"name one of them, for example {choices[0]!r}"
        raise EntryNotFound(
            f"{name!r} in {where} stands for {len(found)} files: {', '.join(choices)}", hint=hint
        )

    def _check_directory(self, directory: str) -> None:
        if directory not in self.directories:
            raise EntryNotFound(
                f"release {self.version} has no directory {directory!r}",
                hint=suggest_or_list(directory, self.directories),
            )


def format_directory_size(size: int) -> str:
    """Return a number of bytes as the Atlas's own tool says it: binary GB, below one binary MB.

    References
    ----------
    ``get_directory_metadata_size`` and its like of abc_atlas_access 0.2.0 and 1.1.1.

    Examples
    --------
    >>> format_directory_size(111838076296), format_directory_size(4873108)
    ('104.16 GB', '4.65 MB')
    """
    amount, unit = size / 1024**3, "GB"
    if amount < 1:
        amount, unit = amount * 1024, "MB"
    return f"{round(amount, 2)} {unit}"


def to_package(release: Release, root: str | None = None) -> Package:
    """Return a release as a package; the logical key of a file is its path in the bucket.

    Parameters
    ----------
    release : Release
    root : str, optional
        URI of the bucket or folder that has the files; by default the manifest's
        ``resource_uri``. The top hash does not depend on it.

    Returns
    -------
    Package
        Its metadata has ``release`` and ``resource_uri``; that of a file has ``directory``,
        ``kind``, ``name`` and ``version``.
    """
    base = (release.resource_uri if root is None else root).rstrip("/")
    entries = {
        file.relative_path: Entry(
            file.relative_path,
            f"{base}/{quote(file.relative_path)}",
            file.size,
            None if file.md5 is None else Digest("MD5", file.md5),
            {
                "user_meta": {
                    "directory": file.directory,
                    "kind": file.kind,
                    "name": file.name,
                    "version": file.version,
                    LISTED: f"{file.directory}/{file.name}",
                }
            },
        )
        for file in reversed(release.files)
    }
    return Package.of(
        entries.values(),
        meta={"release": release.version, "resource_uri": release.resource_uri},
        message=f"release {release.version}",
    )
