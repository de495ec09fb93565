"""What a package of the atlas has, asked by directory and name.

The inverse of `cellfolio.registries.abc.release.to_package`: it needs nothing but logical keys, so
it also works for a folder with files of the atlas, and for a package that somebody made of them.
"""

from __future__ import annotations

import re

from cellfolio.errors import InvalidArgument
from cellfolio.package.entry import Entry
from cellfolio.package.package import Package
from cellfolio.registries.abc.release import AbcFile, Release

_KEY = re.compile(
    r"(?:.*/)?(?P<kind>[a-z_]+)/(?P<directory>[^/]+)/(?P<version>\d{8})/(?:views/)?(?P<file>[^/]+)"
)
_TYPES = (".nii.gz",)
"""File types with a dot inside."""
_VARIANTS = ("log2", "raw")
"""Of expression matrices."""


def release_of(package: Package) -> Release:
    """Return what a package of the atlas has.

    Of a file that is there in several versions, the newest counts.

    Parameters
    ----------
    package : Package

    Raises
    ------
    InvalidArgument
        If it has no file at a place where the atlas has them.

    Examples
    --------
    >>> key = "expression_matrices/WMB-10Xv2/20230630/WMB-10Xv2-TH-log2.h5ad"
    >>> release = release_of(Package.of([Entry(key, "s3://bucket/key")]))
    >>> release.find("WMB-10Xv2", "WMB-10Xv2-TH/log2").relative_path == key
    True
    """
    newest: dict[tuple[str, str, str, str], AbcFile] = {}
    for entry in package.walk():
        file = _file(entry)
        if file is None:
            continue
        place = file.kind, file.directory, file.name, file.file_type
        if place not in newest or newest[place].version < file.version:
            newest[place] = file
    if not newest:
        raise InvalidArgument(
            f"{package.title} is not of the Allen Brain Cell Atlas: none of its files is at a "
            "place such as metadata/WMB-10X/20241115/gene.csv",
            hint="name abc/atlas, a release of it (abc/atlas@20250531), or a folder that has it",
        )
    files = tuple(file for _, file in sorted(newest.items()))
    return Release(
        str(package.meta.get("release", "")),
        "",
        tuple(sorted({file.directory for file in files})),
        (),
        files,
    )


def _file(entry: Entry) -> AbcFile | None:
    found = _KEY.fullmatch(entry.logical_key)
    if found is None:
        return None
    kind, directory, version, name = found.groups()
    stem, _, file_type = name.rpartition(".")
    for one in _TYPES:
        if name.endswith(one):
            stem, file_type = name.removesuffix(one), one[1:]
    variant = next((one for one in _VARIANTS if stem.endswith(f"-{one}")), None)
    if kind != "expression_matrices":
        variant = None
    if variant is not None:
        stem = stem.removesuffix(f"-{variant}")
    digest = entry.digest
    return AbcFile(
        directory,
        kind,
        stem,
        variant,
        file_type,
        version,
        entry.logical_key,
        "",
        entry.size or 0,
        digest.value if digest is not None and digest.algorithm == "MD5" else None,
    )
