"""What changed between two releases of the Allen Brain Cell Atlas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from cellfolio.registries.abc.release import AbcFile, Release

_Names = tuple[str, ...]
_Listed = Mapping[str, list[AbcFile]]


@dataclass(frozen=True, slots=True)
class KindDiff:
    """What changed among the files of one kind; each is named ``directory: name``.

    Attributes
    ----------
    kind : str
    added, removed : tuple of str
        Listed in one release only.
    changed : tuple of str
        Attributes and version differ.
    same_version_other_bytes : tuple of str
        Attributes differ although the version is the same: a mistake of one of the manifests.
    """

    kind: str
    added: _Names
    removed: _Names
    changed: _Names
    same_version_other_bytes: _Names


@dataclass(frozen=True, slots=True)
class ReleaseDiff:
    """What changed from one release to another.

    Attributes
    ----------
    older, newer : str
        Names of the releases.
    directories_added, directories_removed : tuple of str
    kinds : tuple of KindDiff
        One for each kind that either release has, in order.
    """

    older: str
    newer: str
    directories_added: _Names
    directories_removed: _Names
    kinds: tuple[KindDiff, ...]


def compare(older: Release, newer: Release) -> ReleaseDiff:
    """Return what changed from `older` to `newer`.

    A digest that only one of the manifests states is no difference.
    """
    before, after = set(older.directories), set(newer.directories)
    kinds = sorted({file.kind for file in (*older.files, *newer.files)})
    return ReleaseDiff(
        older.version,
        newer.version,
        tuple(sorted(after - before)),
        tuple(sorted(before - after)),
        tuple(_compare_kind(kind, _listed(older, kind), _listed(newer, kind)) for kind in kinds),
    )


def _listed(release: Release, kind: str) -> _Listed:
    found: dict[str, list[AbcFile]] = {}
    for file in release.files:
        if file.kind == kind:
            found.setdefault(f"{file.directory}: {file.name}", []).append(file)
    return found


def _compare_kind(kind: str, before: _Listed, after: _Listed) -> KindDiff:
    differ = [name for name in sorted(before.keys() & after) if _differ(before[name], after[name])]
    same = {name for name in differ if _versions(before[name]) == _versions(after[name])}
    return KindDiff(
        kind,
        added=tuple(sorted(after.keys() - before)),
        removed=tuple(sorted(before.keys() - after)),
        changed=tuple(name for name in differ if name not in same),
        same_version_other_bytes=tuple(name for name in differ if name in same),
    )


def _versions(files: list[AbcFile]) -> list[str]:
    return [file.version for file in files]


def _differ(before: list[AbcFile], after: list[AbcFile]) -> bool:
    if len(before) != len(after):
        return True
    return any(_unlike(one, other) for one, other in zip(before, after, strict=True))


def _unlike(one: AbcFile, other: AbcFile) -> bool:
    if one.md5 is None or other.md5 is None:
        one, other = replace(one, md5=None), replace(other, md5=None)
    return one != other
