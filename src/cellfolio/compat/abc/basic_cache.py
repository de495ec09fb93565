"""A folder with manifests and files of the atlas: what can be asked of it without downloading."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TypedDict

from cellfolio.compat.abc.cache_folder import CacheFolder
from cellfolio.compat.abc.failures import PathInTheWay, UnknownManifest
from cellfolio.compat.abc.file_attributes import CacheFileAttributes
from cellfolio.compat.abc.manifest import Manifest
from cellfolio.compat.abc.questions import Questions, find
from cellfolio.compat.abc.releases import PREFIX, downloaded_manifests, read_manifest
from cellfolio.errors import InvalidArgument
from cellfolio.registries.abc.release import Release


class LocalFile(TypedDict):
    """Where a cache has a file or would put it, whether it is there, and what is known of it."""

    local_path: Path
    exists: bool
    file_attributes: CacheFileAttributes


class BasicLocalCache(Questions, ABC):
    """A folder with manifests and files of the atlas.

    Parameters
    ----------
    cache_dir : str or Path
        Made if absent.
    ui_class_name : str, optional
        What warnings call the object that the user talks to; by default the name of the class.

    Raises
    ------
    PathInTheWay
        If `cache_dir` is a file.
    """

    def __init__(self, cache_dir: str | Path, ui_class_name: str | None = None) -> None:
        try:
            Path(cache_dir).mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise PathInTheWay(f"{cache_dir} is not a folder", hint="name another one") from None
        self._folder = CacheFolder(Path(cache_dir))
        self._ui = ui_class_name or type(self).__name__
        self._manifest: Manifest | None = None
        self._manifest_name: str | None = None
        self._read: dict[str, Manifest] = {}
        self._manifest_file_names = self._list_all_manifests()

    @abstractmethod
    def _list_all_manifests(self) -> list[str]:
        """Return the names of all manifests that can be loaded, sorted."""

    def _open_manifest(self, name: str) -> Manifest:
        return read_manifest(self._folder.folder, name)

    # What is known

    @property
    def ui(self) -> str:
        """What warnings call the object that the user talks to."""
        return self._ui

    @property
    def cache_dir(self) -> Path:
        """Folder of the cache, absolute."""
        return self._folder.folder

    @property
    def manifest_prefix(self) -> str:
        """What the names of manifests start with."""
        return PREFIX

    @property
    def current_manifest(self) -> str | None:
        """Name of the manifest in use; None before one is loaded."""
        return self._manifest_name

    @property
    def version(self) -> str:
        """Name of the release in use."""
        return self._release.version

    @property
    def manifest_file_names(self) -> list[str]:
        """Names of all manifests that can be loaded, sorted."""
        return list(self._manifest_file_names)

    @property
    def latest_manifest_file(self) -> str:
        """Name of the newest manifest."""
        if not self._manifest_file_names:
            raise UnknownManifest(
                f"{self.cache_dir} has no {PREFIX}<release>/manifest.json",
                hint="open it with a connection first, or name the folder of another cache",
            )
        return max(self._manifest_file_names)

    def list_all_downloaded_manifests(self) -> list[str]:
        """Return the names of the manifests that are in the cache, sorted."""
        return downloaded_manifests(self._folder.folder)

    @property
    def _release(self) -> Release:
        return self._loaded.release

    @property
    def _loaded(self) -> Manifest:
        if self._manifest is None:
            raise InvalidArgument("no manifest is loaded", hint="call load_manifest first")
        return self._manifest

    # Files

    def get_file_path(self, directory: str, file_name: str) -> LocalFile:
        """Return where a file is or would be, and whether it is there.

        Raises
        ------
        NotInRelease, PathInTheWay
        """
        file = find(self._release, directory, file_name)
        path = self._folder.path(file)
        if path.exists() and not path.is_file():
            raise PathInTheWay(
                f"{path}\nexists, but is not a file;\nunsure how to proceed", hint="move it away"
            )
        return {
            "local_path": path,
            "exists": self._folder.has(file),
            "file_attributes": self._loaded.attributes(file),
        }

    def metadata_path(self, directory: str, file_name: str) -> LocalFile:
        """Do what `get_file_path` does."""
        return self.get_file_path(directory, file_name)

    def data_path(self, directory: str, file_name: str) -> LocalFile:
        """Do what `get_file_path` does."""
        return self.get_file_path(directory, file_name)

    # Manifests

    def load_manifest(self, manifest_name: str) -> None:
        """Use a manifest from now on.

        Raises
        ------
        UnknownManifest
            With the names that there are (a ``ValueError``).
        InvalidManifest
        """
        self._use(manifest_name)

    def _use(self, name: str) -> None:
        manifest = self._get_manifest(name)
        self._manifest, self._manifest_name = manifest, name

    def _get_manifest(self, name: str) -> Manifest:
        if name not in self._manifest_file_names:
            raise UnknownManifest(
                f"Manifest to load ({name}) is not one of the valid manifest names for this "
                f"dataset. Valid names include:\n{self._manifest_file_names}"
            )
        if name not in self._read:
            self._read[name] = self._open_manifest(name)
        return self._read[name]
