"""Short names for parts of a package: what a user says instead of a whole logical key.

A pattern that names nothing by itself is looked for as

1. a name that the registry lists files under (see `Entry.listed`), such as ``WMB-10X/gene``,
2. the last components of folders or files (``WMB-10X`` for ``metadata/WMB-10X``).
"""

from __future__ import annotations

from cellfolio.errors import EntryNotFound
from cellfolio.package.package import Package
from cellfolio.package.patterns import is_glob

_SHOWN = 6


def spell_out(package: Package, patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Return patterns with short names replaced by logical keys of files and folders.

    Patterns that name something already, and globs, stay as they are.

    Parameters
    ----------
    package : Package
    patterns : tuple of str

    Raises
    ------
    EntryNotFound
        If a name stands for several listed files, or for nothing.

    Examples
    --------
    >>> from cellfolio.package.entry import Entry
    >>> package = Package.of([Entry("metadata/WMB-10X/1/gene.csv", "file:///x")])
    >>> spell_out(package, ("WMB-10X", "gene.csv", "*/WMB-10X/**"))
    ('metadata/WMB-10X/', 'metadata/WMB-10X/1/gene.csv', '*/WMB-10X/**')
    """
    found: dict[str, None] = {}
    for pattern in patterns:
        found.update(dict.fromkeys(_spelled(package, pattern)))
    return tuple(found)


def _spelled(package: Package, pattern: str) -> tuple[str, ...]:
    path = pattern.strip("/")
    if path in ("", ".") or pattern in package or path in package or is_glob(path):
        return (pattern,)
    return _listed(package, path) or _last_components(package, path) or (pattern,)


def _listed(package: Package, path: str) -> tuple[str, ...]:
    names = {entry.listed: entry.logical_key for entry in package.walk() if entry.listed}
    if path in names:
        return (names[path],)
    variants = sorted(name for name in names if name.startswith(f"{path}/"))
    if variants and "/" in path:
        raise EntryNotFound(
            f"{path!r} stands for several files of {package.title}: "
            + ", ".join(variants[:_SHOWN]),
            hint="name one of them",
        )
    return ()


def _last_components(package: Package, path: str) -> tuple[str, ...]:
    found: dict[str, None] = {}
    inside, end = f"/{path}/", f"/{path}"
    for index in range(len(package.rows)):
        key = package.rows.key(index)
        start = key.find(inside)
        if start >= 0:
            found[key[: start + len(inside)]] = None
        elif key.endswith(end):
            found[key] = None
    return tuple(found)
