"""The digest that releases name. The name of this module is the peer's."""

from __future__ import annotations

import hashlib
from pathlib import Path


def file_hash_from_path(file_path: str | Path) -> str:
    """Return the MD5 of a file, 32 hexadecimal digits.

    Parameters
    ----------
    file_path : str or Path

    Raises
    ------
    FileNotFoundError

    Examples
    --------
    >>> from tempfile import NamedTemporaryFile
    >>> with NamedTemporaryFile() as file:
    ...     file_hash_from_path(file.name)
    'd41d8cd98f00b204e9800998ecf8427e'
    """
    with Path(file_path).open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
