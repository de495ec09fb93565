"""What is known of one file of a release."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class CacheFileAttributes:
    """What a release says of a file, and where the cache has it or would put it.

    Attributes
    ----------
    url : str
        Where a browser gets it.
    version : str
        Release that brought it.
    file_size : int
        Bytes.
    local_path : Path
        Absolute.
    relative_path : str
        Below the cache, and in the bucket.
    file_type : str
        ``csv``, ``h5ad``, ``nii.gz``, or another.
    file_hash : str or None
        MD5, 32 hexadecimal digits; None in manifests of early 2024.

    Examples
    --------
    >>> file = CacheFileAttributes(
    ...     url="https://example.org/metadata/WMB-10X/20230830/gene.csv", version="20230830",
    ...     file_size=2300000, local_path="/data/metadata/WMB-10X/20230830/gene.csv",
    ...     relative_path="metadata/WMB-10X/20230830/gene.csv", file_type="csv",
    ...     file_hash="0" * 32)
    >>> file.local_path.name
    'gene.csv'
    """

    url: str
    version: str
    file_size: int
    local_path: Path
    relative_path: str
    file_type: str
    file_hash: str | None

    def __post_init__(self) -> None:
        object.__setattr__(self, "local_path", Path(self.local_path))
