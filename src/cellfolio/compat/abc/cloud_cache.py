"""Caches of the atlas: one that downloads from its bucket, one that uses what is there.

References
----------
Names, results and conditions are those of abc_atlas_access 0.2.0 and 1.1.1 (``cloud_cache.py``).
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from cellfolio.compat.abc import notices
from cellfolio.compat.abc.basic_cache import BasicLocalCache
from cellfolio.compat.abc.differences import Differences, describe
from cellfolio.compat.abc.downloads import Downloads, Wish
from cellfolio.compat.abc.failures import LeftBehind, NoConnection
from cellfolio.compat.abc.manifest import Manifest
from cellfolio.compat.abc.notices import (
    MissingLocalManifestWarning,
    OutdatedManifestWarning,
    ReadOnlyLocalCacheWarning,
)
from cellfolio.compat.abc.questions import (
    DATA,
    MAPMYCELLS,
    MATRICES,
    METADATA,
    VOLUMES,
    find,
    select,
)
from cellfolio.compat.abc.releases import (
    BucketReleases,
    read_manifest,
)
from cellfolio.errors import InvalidArgument, ServerUnreachable, StoreReadOnly
from cellfolio.extras import importing
from cellfolio.package.keys import RECORD_FOLDER
from cellfolio.registries.abc.diff import compare
from cellfolio.registries.abc.release import AbcFile
from cellfolio.storage.home import Home

__all__ = [
    "BasicLocalCache",
    "CloudCacheBase",
    "LocalCache",
    "MissingLocalManifestWarning",
    "OutdatedManifestWarning",
    "ReadOnlyLocalCacheWarning",
    "S3CloudCache",
]


class CloudCacheBase(BasicLocalCache):
    """A cache that remembers which manifest was used, and can be told to download.

    Parameters
    ----------
    cache_dir : str or Path
    ui_class_name : str, optional
    """

    def __init__(self, cache_dir: str | Path, ui_class_name: str | None = None) -> None:
        super().__init__(cache_dir, ui_class_name)
        self._manifest_last_warned_on: str | None = None
        if self._folder.books.has_unrecorded_files():
            notices.warn(MissingLocalManifestWarning, notices.no_record(self.cache_dir))

    # Manifests

    @property
    def latest_downloaded_manifest_file(self) -> str:
        """Name of the newest manifest in the cache; empty where there is none."""
        return max(self.list_all_downloaded_manifests(), default="")

    def load_last_manifest(self) -> None:
        """Use the manifest that was used last, else the newest; warn if there is a newer one.

        Raises
        ------
        UnknownManifest, InvalidManifest, ServerUnreachable
        """
        last = self._folder.books.last_used()
        latest = self.latest_manifest_file
        if last is None:
            try:
                self._switch(latest)
            except ServerUnreachable:
                here = self.latest_downloaded_manifest_file
                if here in ("", latest):
                    raise
                self._switch(here)
        elif last not in self._manifest_file_names:
            notices.warn(UserWarning, notices.unknown_last_used(last, latest))
            self.load_latest_manifest()
        else:
            if last != latest:
                text = notices.older_in_use(self._ui, last, latest)
                notices.warn(OutdatedManifestWarning, text)
                self._manifest_last_warned_on = latest
            self._switch(last)

    def load_latest_manifest(self) -> None:
        """Use the newest manifest; warn if the cache had only older ones until now.

        Raises
        ------
        UnknownManifest, InvalidManifest, ServerUnreachable
        """
        latest, before = self.latest_manifest_file, self.latest_downloaded_manifest_file
        if before and before < latest:
            text = notices.newer_than_used(self._ui, latest, before)
            notices.warn(OutdatedManifestWarning, text)
        self._switch(latest)

    def load_manifest(self, manifest_name: str) -> None:
        """Use a manifest from now on, downloading it if necessary; remember it as last used.

        Warns once for each cache and newest manifest if it is not the newest.

        Raises
        ------
        UnknownManifest
            With the names that there are (a ``ValueError``).
        InvalidManifest, ServerUnreachable
        """
        latest = self.latest_manifest_file
        known = manifest_name in self._manifest_file_names
        if known and latest not in (manifest_name, self._manifest_last_warned_on):
            text = notices.not_the_newest(self._ui, manifest_name, latest)
            notices.warn(OutdatedManifestWarning, text)
            self._manifest_last_warned_on = latest
        self._switch(manifest_name)

    def _switch(self, name: str) -> None:
        self._use(name)
        self._remember_used(name)

    def _remember_used(self, name: str) -> None:
        self._folder.books.remember_used(name)

    def compare_manifests(self, manifest_newer_name: str, manifest_older_name: str) -> Differences:
        """Return what changed between two releases; a manifest that is not here is downloaded.

        Parameters
        ----------
        manifest_newer_name, manifest_older_name : str
            As in `manifest_file_names`.

        Returns
        -------
        dict of dict of list of str
            See `cellfolio.compat.abc.differences.describe`.

        Raises
        ------
        InvalidArgument
            If the order is the other way round (a ``ValueError``).
        UnknownManifest, InvalidManifest, ServerUnreachable
        """
        if manifest_newer_name < manifest_older_name:
            raise InvalidArgument(
                f"The manifest input first ({manifest_newer_name}) is older than the manifest "
                f"input second ({manifest_older_name}). Please reverse the order of the input.",
                hint=f"{self._ui}.compare_manifests({manifest_older_name!r}, "
                f"{manifest_newer_name!r})",
            )
        older, newer = map(self._get_manifest, (manifest_older_name, manifest_newer_name))
        return describe(compare(older.release, newer.release))

    # Downloads

    @abstractmethod
    def _bring(self, files: Sequence[AbcFile], wish: Wish) -> None:
        """Make sure that files are in the cache."""

    def download_file(
        self,
        directory: str,
        file_name: str,
        force_download: bool = False,
        skip_hash_check: bool = False,
    ) -> Path:
        """Return the path of a file, downloading it if necessary.

        Parameters
        ----------
        directory : str
        file_name : str
            As listed.
        force_download : bool
            Download it even if it is here; what is here stays until the new bytes are verified.
        skip_hash_check : bool
            Take a file of the right size even if its MD5 is not the one of the manifest. Bytes
            are hashed while they arrive either way, which costs no time.

        Raises
        ------
        NotInRelease, DownloadFailed, NotEnoughSpace
        """
        file = find(self._release, directory, file_name)
        self._bring([file], Wish(force_download, skip_hash_check))
        return self._folder.path(file)

    download_data = download_file
    download_metadata = download_file

    def download_directory(
        self,
        directory: str,
        data_kind: str,
        force_download: bool = False,
        skip_hash_check: bool = False,
    ) -> list[Path]:
        """Return the paths of the files of one kind, by name, downloading what is missing.

        Raises
        ------
        NotInRelease, DataTypeNotInDirectory, DownloadFailed, NotEnoughSpace
        """
        files = select(self._release, directory, data_kind)
        self._bring(files, Wish(force_download, skip_hash_check))
        return [self._folder.path(file) for file in files]

    def download_directory_metadata(
        self, directory: str, force_download: bool = False, skip_hash_check: bool = False
    ) -> list[Path]:
        """Do what `download_directory` does, for metadata."""
        return self.download_directory(directory, METADATA, force_download, skip_hash_check)

    def download_directory_data(
        self, directory: str, force_download: bool = False, skip_hash_check: bool = False
    ) -> list[Path]:
        """Do what `download_directory` does, for expression matrices and image volumes."""
        return self.download_directory(directory, DATA, force_download, skip_hash_check)

    def download_directory_expression_matrices(
        self, directory: str, force_download: bool = False, skip_hash_check: bool = False
    ) -> list[Path]:
        """Do what `download_directory` does, for expression matrices."""
        return self.download_directory(directory, MATRICES, force_download, skip_hash_check)

    def download_directory_image_volumes(
        self, directory: str, force_download: bool = False, skip_hash_check: bool = False
    ) -> list[Path]:
        """Do what `download_directory` does, for image volumes."""
        return self.download_directory(directory, VOLUMES, force_download, skip_hash_check)

    def download_directory_mapmycells(
        self, directory: str, force_download: bool = False, skip_hash_check: bool = False
    ) -> list[Path]:
        """Do what `download_directory` does, for MapMyCells files."""
        return self.download_directory(directory, MAPMYCELLS, force_download, skip_hash_check)


class S3CloudCache(CloudCacheBase):
    """A cache that downloads from a bucket.

    Parameters
    ----------
    cache_dir : str or Path
    bucket_name : str
    ui_class_name : str, optional
    auth_required : bool
        Whether the bucket is not public. Requests are signed whenever the environment has
        credentials, and unsigned without; this only decides what `s3_client` does.

    Raises
    ------
    ServerUnreachable
        If nothing was downloaded before.
    PackageNotFound
        If the bucket has no releases.
    StoreReadOnly
        If the folder cannot be written.
    """

    def __init__(
        self,
        cache_dir: str | Path,
        bucket_name: str,
        ui_class_name: str | None = None,
        auth_required: bool = False,
    ) -> None:
        self._bucket_name = bucket_name
        self._auth_required = auth_required
        self._process = os.getpid()
        super().__init__(cache_dir, ui_class_name)
        self._folder.heal()

    @property
    def bucket_name(self) -> str:
        """Name of the bucket."""
        return self._bucket_name

    @cached_property
    def s3_client(self) -> Any:
        """A client of boto3 for the bucket; this library needs none itself.

        Raises
        ------
        LibraryMissing
            If boto3 is not installed.
        """
        with importing("boto3", extra="aws", what="s3_client"):
            import boto3
            from botocore import UNSIGNED
            from botocore.client import Config
        if self._auth_required:
            return boto3.client("s3")
        return boto3.client("s3", config=Config(signature_version=UNSIGNED))

    def __getstate__(self) -> dict[str, Any]:
        """Leave connections behind when the cache is sent to another process."""
        left = ("_kept_home", "s3_client")
        return {name: value for name, value in self.__dict__.items() if name not in left}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take up what `__getstate__` gave, to connect anew."""
        self.__dict__.update(state, _process=os.getpid())

    @cached_property
    def _kept_home(self) -> Home:
        return Home(self.cache_dir / RECORD_FOLDER)

    def _home(self) -> Home:
        """Return where downloads under way are kept, and the clients that make them."""
        if os.getpid() != self._process:
            raise LeftBehind(
                f"the cache {self.cache_dir} was opened before this process was forked, and "
                "connections do not survive that; files that are in the cache can be used",
                hint="open the cache in each process, or get the files before",
            )
        return self._kept_home

    @property
    def _releases(self) -> BucketReleases:
        return BucketReleases(self._bucket_name, self.cache_dir, self._home())

    def _list_all_manifests(self) -> list[str]:
        return self._releases.names()

    def _open_manifest(self, name: str) -> Manifest:
        return read_manifest(self.cache_dir, name, self._releases.fetch)

    def _bring(self, files: Sequence[AbcFile], wish: Wish) -> None:
        downloads = Downloads(self._folder, self._home, f"s3://{self._bucket_name}")
        downloads.bring(self._release, files, wish)


class LocalCache(CloudCacheBase):
    """A cache without a connection: a mounted bucket, or what was downloaded before.

    Parameters
    ----------
    cache_dir : str or Path
    ui_class_name : str, optional

    Raises
    ------
    UnknownManifest
        When a manifest is loaded and the folder has none (a ``ValueError``).
    """

    def _list_all_manifests(self) -> list[str]:
        return self.list_all_downloaded_manifests()

    def _remember_used(self, name: str) -> None:
        try:
            super()._remember_used(name)
        except StoreReadOnly as error:
            notices.warn(ReadOnlyLocalCacheWarning, notices.cannot_remember(error))

    def _bring(self, files: Sequence[AbcFile], wish: Wish) -> None:
        raise NoConnection(
            f"{self.cache_dir} is used without a connection; nothing can be downloaded",
            hint="open it with from_s3_cache",
        )
