"""`AbcProjectCache`: what notebooks of the Allen Brain Cell Atlas talk to.

Both ways to name files are here: ``data`` of version 0.2.0, and the kinds of 1.1.1. None of them
is deprecated.

References
----------
abc_atlas_access 0.2.0 and 1.1.1 (``abc_project_cache.py``).
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from cellfolio.compat.abc import notices
from cellfolio.compat.abc.cloud_cache import CloudCacheBase, LocalCache, S3CloudCache
from cellfolio.compat.abc.differences import Differences
from cellfolio.compat.abc.failures import NotDownloaded
from cellfolio.compat.abc.notices import FileMissingWarning, LargeDataSizeWarning
from cellfolio.compat.abc.questions import (
    DATA,
    MAPMYCELLS,
    MATRICES,
    METADATA,
    VOLUMES,
    Questions,
)
from cellfolio.errors import InvalidManifest
from cellfolio.registries.abc.release import Release

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "AbcProjectCache",
    "AbcProjectCacheVersionException",
    "FileMissingWarning",
    "LargeDataSizeWarning",
    "version_check",
]

_LARGE = 10.0
"""Size in GB, as it is shown, above which a directory is large."""


class AbcProjectCacheVersionException(InvalidManifest):
    """The release is older or newer than this cache can read."""


def version_check(manifest_version: str, cmin: str, cmax: str) -> None:
    """Make sure that a release is one that can be read.

    Parameters
    ----------
    manifest_version : str
    cmin, cmax : str
        The first release that can be read, and the first that cannot any more.

    Raises
    ------
    AbcProjectCacheVersionException

    Examples
    --------
    >>> version_check("20250531", "20230101", "20300101")
    """
    if not cmin <= manifest_version < cmax:
        raise AbcProjectCacheVersionException(
            f"The manifest has manifest_version {manifest_version}, but AbcProjectCache is "
            f"compatible only with manifest versions on or after {cmin} and before {cmax}.",
            hint="load another manifest, or another version of this library",
        )


class AbcProjectCache(Questions):
    """Finds and downloads files of the Allen Brain Cell Atlas.

    Made by `from_cache_dir`, `from_s3_cache` or `from_local_cache`. Uses the manifest that was
    used last, else the newest. Lists and sizes: see `cellfolio.compat.abc.questions.Questions`.

    Parameters
    ----------
    cache : CloudCacheBase
    skip_version_check : bool
        Whether to load any release, whatever `MANIFEST_COMPATIBILITY` says.
    local : bool
        Whether the cache works without a connection.

    Raises
    ------
    AbcProjectCacheVersionException
    UnknownManifest, InvalidManifest, ServerUnreachable
    """

    MANIFEST_COMPATIBILITY: ClassVar[list[str]] = ["20230101", "20300101"]
    _bucket_name: ClassVar[str] = "allen-brain-cell-atlas"
    _default_bucket_name: ClassVar[str | None] = None
    """Stands before `_bucket_name` where it is set: the name that version 1.1.1 has for it."""

    def __init__(
        self, cache: CloudCacheBase, skip_version_check: bool = False, local: bool = False
    ) -> None:
        self.cache = cache
        self.skip_version_check = skip_version_check
        self.logger = logging.getLogger(type(self).__name__)
        self._local = local
        self._ui_class_name = type(self).__name__
        self.load_manifest()

    @classmethod
    def from_s3_cache(
        cls,
        cache_dir: str | Path,
        s3_bucket: str | None = None,
        auth_required: bool = False,
    ) -> Self:
        """Open a cache that downloads from the bucket.

        Parameters
        ----------
        cache_dir : str or Path
        s3_bucket : str, optional
            By default the public bucket of the atlas. ``AWS_ENDPOINT_URL`` names another server.
        auth_required : bool
            See `cellfolio.compat.abc.cloud_cache.S3CloudCache`.

        Raises
        ------
        ServerUnreachable
            If the cache was never opened before and there is no connection.
        """
        bucket = s3_bucket or cls._default_bucket_name or cls._bucket_name
        return cls(S3CloudCache(cache_dir, bucket, cls.__name__, auth_required))

    @classmethod
    def from_local_cache(cls, cache_dir: str | Path) -> Self:
        """Open a cache that downloads nothing: a mounted bucket, or a folder that is read-only.

        Raises
        ------
        UnknownManifest
            If it has no manifest (a ``ValueError``).
        """
        return cls(LocalCache(cache_dir, cls.__name__), local=True)

    @classmethod
    def from_cache_dir(
        cls,
        cache_dir: str | Path,
        s3_bucket: str | None = None,
        auth_required: bool = False,
    ) -> Self:
        """Open a cache that downloads if its folder can be written, else one that does not."""
        folder = Path(cache_dir)
        if not folder.exists() or os.access(folder, os.W_OK):
            return cls.from_s3_cache(folder, s3_bucket, auth_required)
        return cls.from_local_cache(folder)

    # Manifests

    @property
    def _release(self) -> Release:
        return self.cache._release

    @property
    def current_manifest(self) -> str | None:
        """Name of the manifest in use."""
        return self.cache.current_manifest

    @property
    def latest_manifest_file(self) -> str:
        """Name of the newest manifest."""
        return self.cache.latest_manifest_file

    @property
    def latest_downloaded_manifest_file(self) -> str:
        """Name of the newest manifest in the cache; empty where there is none."""
        return self.cache.latest_downloaded_manifest_file

    @property
    def list_all_downloaded_manifests(self) -> list[str]:
        """Names of the manifests that are in the cache, sorted."""
        return self.cache.list_all_downloaded_manifests()

    @property
    def list_manifest_file_names(self) -> list[str]:
        """Names of all manifests that can be loaded, sorted."""
        return self.cache.manifest_file_names

    def load_manifest(self, manifest_name: str | None = None) -> None:
        """Use a manifest, by default the one that was used last, else the newest.

        Raises
        ------
        UnknownManifest
            With the names that there are (a ``ValueError``).
        AbcProjectCacheVersionException
        InvalidManifest, ServerUnreachable
        """
        if manifest_name is None:
            self.cache.load_last_manifest()
        else:
            self.cache.load_manifest(manifest_name)
        self._check_version()

    def load_latest_manifest(self) -> None:
        """Use the newest manifest; warn if the cache had only older ones until now.

        Raises
        ------
        AbcProjectCacheVersionException
        UnknownManifest, InvalidManifest, ServerUnreachable
        """
        self.cache.load_latest_manifest()
        self._check_version()

    def _check_version(self) -> None:
        if not self.skip_version_check:
            version_check(self.cache.version, *self.MANIFEST_COMPATIBILITY)

    def compare_manifests(self, manifest_newer_name: str, manifest_older_name: str) -> Differences:
        """Return what changed between two releases.

        See `cellfolio.compat.abc.cloud_cache.CloudCacheBase.compare_manifests`.
        """
        return self.cache.compare_manifests(manifest_newer_name, manifest_older_name)

    # One file

    def get_file_path(
        self,
        directory: str,
        file_name: str,
        force_download: bool = False,
        skip_hash_check: bool = False,
    ) -> Path:
        """Return the path of a file of any kind, downloading it if necessary.

        Parameters
        ----------
        directory, file_name : str
            As listed.
        force_download : bool
            Download it even if it is here; what is here stays until the new bytes are verified.
        skip_hash_check : bool
            Take a file of the right size even if its MD5 is not the one of the manifest.

        Raises
        ------
        NotInRelease
            If there is no such directory or file (a ``KeyError``).
        DownloadFailed
            If it cannot be had (a ``RuntimeError``).
        NotDownloaded
            If it is not here, or not whole, and there is no connection (a ``FileNotFoundError``).
        NotEnoughSpace
        """
        if not self._local:
            return self.cache.download_file(directory, file_name, force_download, skip_hash_check)
        found = self.cache.get_file_path(directory, file_name)
        if not found["exists"]:
            path = found["local_path"]
            state = "is not as the release has it" if path.exists() else "is not already"
            raise NotDownloaded(
                f"You started a cache without a connection to s3 and {path} {state} on your "
                f"system; expected {found['file_attributes'].file_size} bytes with MD5 "
                f"{found['file_attributes'].file_hash}",
                hint="open the cache with from_s3_cache to download it",
            )
        return found["local_path"]

    get_data_path = get_file_path
    get_metadata_path = get_file_path

    def get_metadata_dataframe(
        self,
        directory: str,
        file_name: str,
        force_download: bool = False,
        skip_hash_check: bool = False,
        **kwargs: Any,
    ) -> pd.DataFrame:
        """Return a metadata file as a table; further arguments are those of `pandas.read_csv`.

        Raises
        ------
        NotInRelease, DownloadFailed, NotDownloaded, NotEnoughSpace
        """
        import pandas as pd

        path = self.get_file_path(directory, file_name, force_download, skip_hash_check)
        table: pd.DataFrame = pd.read_csv(path, **kwargs)
        return table

    # Directories

    def _get_directory(
        self, directory: str, kind: str, force_download: bool, skip_hash_check: bool
    ) -> list[Path]:
        if not self._local:
            size = self.get_directory_size_by_kind(directory, kind)
            amount, unit = size.split()
            if unit == "GB" and float(amount) > _LARGE:
                notices.warn(LargeDataSizeWarning, notices.large(directory, size))
            return self.cache.download_directory(directory, kind, force_download, skip_hash_check)
        paths = []
        for name in self.list_files(directory, kind):
            try:
                paths.append(self.get_file_path(directory, name))
            except NotDownloaded as error:
                notices.warn(FileMissingWarning, str(error))
        return paths

    def get_directory_metadata(
        self, directory: str, force_download: bool = False, skip_hash_check: bool = False
    ) -> list[Path]:
        """Return the paths of all metadata files of a directory, by name.

        Parameters
        ----------
        directory : str
        force_download, skip_hash_check : bool
            See `get_file_path`.

        Raises
        ------
        NotInRelease, DataTypeNotInDirectory, DownloadFailed, NotEnoughSpace
        """
        return self._get_directory(directory, METADATA, force_download, skip_hash_check)

    def get_directory_data(
        self, directory: str, force_download: bool = False, skip_hash_check: bool = False
    ) -> list[Path]:
        """Do what `get_directory_metadata` does, for expression matrices and image volumes."""
        return self._get_directory(directory, DATA, force_download, skip_hash_check)

    def get_directory_expression_matrices(
        self, directory: str, force_download: bool = False, skip_hash_check: bool = False
    ) -> list[Path]:
        """Do what `get_directory_metadata` does, for expression matrices."""
        return self._get_directory(directory, MATRICES, force_download, skip_hash_check)

    def get_directory_image_volumes(
        self, directory: str, force_download: bool = False, skip_hash_check: bool = False
    ) -> list[Path]:
        """Do what `get_directory_metadata` does, for image volumes."""
        return self._get_directory(directory, VOLUMES, force_download, skip_hash_check)

    def get_directory_mapmycells(
        self, directory: str, force_download: bool = False, skip_hash_check: bool = False
    ) -> list[Path]:
        """Do what `get_directory_metadata` does, for MapMyCells files."""
        return self._get_directory(directory, MAPMYCELLS, force_download, skip_hash_check)
