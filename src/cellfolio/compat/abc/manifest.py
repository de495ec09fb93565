"""One release as its ``manifest.json`` describes it, and where a cache has its files."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import IO, Any, Self

from cellfolio.compat.abc.file_attributes import CacheFileAttributes
from cellfolio.compat.abc.questions import DataTypeNotInDirectory, Questions, find
from cellfolio.errors import InvalidArgument, InvalidManifest
from cellfolio.registries.abc.manifest import parse_release
from cellfolio.registries.abc.release import AbcFile, Release

__all__ = ["DataTypeNotInDirectory", "Manifest"]


class Manifest(Questions):
    """A release, read from its manifest.

    Parameters
    ----------
    cache_dir : str or Path
        Folder that has its files, or would have them.
    json_input : file
        The manifest, open for reading.

    Raises
    ------
    InvalidArgument
        If `cache_dir` is neither a str nor a Path (a ``ValueError``).
    InvalidManifest
        If the document is no release manifest (a ``ValueError``), or names a path that leads out
        of the cache.
    """

    def __init__(self, cache_dir: str | Path, json_input: IO[Any]) -> None:
        if not isinstance(cache_dir, str | Path):
            raise InvalidArgument(
                f"cache_dir must be either a str or a pathlib.Path; got {type(cache_dir)}"
            )
        try:
            document = json.load(json_input)
        except (ValueError, RecursionError) as error:
            raise InvalidManifest(f"the manifest should be JSON: {error}") from None
        self._set(Path(cache_dir), parse_release(document), document)

    @classmethod
    def of(cls, cache_dir: Path, release: Release, text: bytes) -> Self:
        """Make one of a release that was read already, and the text it was read from."""
        made = cls.__new__(cls)
        made._set(cache_dir, release, None)
        made._text = text
        return made

    def _set(self, cache_dir: Path, release: Release, document: Any) -> None:
        self._cache_dir = cache_dir.resolve()
        self._parsed = release
        self._text = b""
        if document is not None:
            self.data = document

    @property
    def _release(self) -> Release:
        return self._parsed

    @property
    def release(self) -> Release:
        """What the manifest says, checked."""
        return self._parsed

    @cached_property
    def data(self) -> dict[str, Any]:
        """The document as it is in the file."""
        document: dict[str, Any] = json.loads(self._text)
        return document

    @property
    def version(self) -> str:
        """Name of the release."""
        return self._parsed.version

    @property
    def resource_uri(self) -> str:
        """Where the files are, as the manifest says."""
        return self._parsed.resource_uri

    def get_file_attributes(self, directory: str, file_name: str) -> CacheFileAttributes:
        """Return what is known of a file.

        Parameters
        ----------
        directory : str
        file_name : str
            As listed: ``gene``, or ``WMB-10XMulti/log2`` where there are variants.

        Raises
        ------
        NotInRelease
            If there is no such directory or file, or the variant is missing (a ``KeyError``).
        """
        return self.attributes(find(self._parsed, directory, file_name))

    def attributes(self, file: AbcFile) -> CacheFileAttributes:
        """Return a file of the release in the peer's form."""
        return CacheFileAttributes(
            url=file.url,
            version=file.version,
            file_size=file.size,
            local_path=self._cache_dir / file.relative_path,
            relative_path=file.relative_path,
            file_type=file.file_type,
            file_hash=file.md5,
        )
