"""What changed from one package to another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cellfolio.package.entry import Entry
from cellfolio.package.keys import sort_key
from cellfolio.package.row import canonical_json

if TYPE_CHECKING:
    from cellfolio.package.package import Package

_NOTHING = object()


@dataclass(frozen=True, slots=True)
class Diff:
    """What changed from one package to another; tuples are in the order of logical keys.

    Attributes
    ----------
    added, removed : tuple of Entry
    changed : tuple of (Entry, Entry)
        Before and after, where the bytes differ. Their logical keys differ where the key tells the
        version, and the registry lists both under one name (see `Entry.listed`).
    meta_changed : tuple of (Entry, Entry)
        Before and after, where only metadata differs.
    folder_meta_changed : tuple of str
        Folders whose metadata differs; the empty string stands for the package.
    """

    added: tuple[Entry, ...] = ()
    removed: tuple[Entry, ...] = ()
    changed: tuple[tuple[Entry, Entry], ...] = ()
    meta_changed: tuple[tuple[Entry, Entry], ...] = ()
    folder_meta_changed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any(
            (self.added, self.removed, self.changed, self.meta_changed, self.folder_meta_changed)
        )


@dataclass(frozen=True, slots=True)
class MetaChange:
    """A value of metadata that differs.

    Attributes
    ----------
    path : tuple of str
        Names of the fields that lead to it.
    before, after : str
        As JSON; empty where there is none.
    """

    path: tuple[str, ...]
    before: str
    after: str


def compare(older: Package, newer: Package) -> Diff:
    """Return what changed from `older` to `newer`."""
    before = {row.key: row for row in older.rows}
    added: list[Entry] = []
    changed: list[tuple[Entry, Entry]] = []
    meta_changed: list[tuple[Entry, Entry]] = []
    for row in newer.rows:
        old = before.pop(row.key, None)
        if old is None:
            added.append(row.entry())
        elif old != row:
            one, other = old.entry(), row.entry()
            if not one.same_bytes(other):
                changed.append((one, other))
            elif not _same_json(one.meta, other.meta):
                meta_changed.append((one, other))
    removed = [row.entry() for row in before.values()]
    moved = _same_name(removed, added)
    if moved:
        keys = {entry.logical_key for pair in moved for entry in pair}
        added = [entry for entry in added if entry.logical_key not in keys]
        removed = [entry for entry in removed if entry.logical_key not in keys]
        for one, other in moved:
            (meta_changed if one.same_bytes(other) else changed).append((one, other))
        changed.sort(key=_new_key)
        meta_changed.sort(key=_new_key)
    one_meta, other_meta = older.folder_meta, newer.folder_meta
    folder_changes = [
        key
        for key in {*one_meta, *other_meta}
        if not _same_json(one_meta.get(key, {}), other_meta.get(key, {}))
    ]
    if not _same_json(older.meta, newer.meta):
        folder_changes.append("")
    return Diff(
        tuple(added),
        tuple(removed),
        tuple(changed),
        tuple(meta_changed),
        tuple(sorted(folder_changes, key=sort_key)),
    )


def _same_name(removed: list[Entry], added: list[Entry]) -> list[tuple[Entry, Entry]]:
    """Return the pairs that a registry lists under one name and of one kind."""
    before = {_name(entry): entry for entry in removed if entry.listed}
    return [(before[_name(one)], one) for one in added if one.listed and _name(one) in before]


def _name(entry: Entry) -> tuple[object, str | None]:
    return entry.user_meta.get("kind"), entry.listed


def _new_key(pair: tuple[Entry, Entry]) -> bytes:
    return sort_key(pair[1].logical_key)


def _same_json(one: Any, other: Any) -> bool:
    """Whether two values are written alike: not so 1, 1.0 and true, which Python calls equal."""
    return canonical_json(one) == canonical_json(other)


def meta_changes(older: Any, newer: Any, path: tuple[str, ...] = ()) -> list[MetaChange]:
    """Return the values that differ between two pieces of metadata, by field.

    Examples
    --------
    >>> meta_changes({"plates": 2, "by": {"lab": "A"}}, {"plates": 3, "by": {"lab": "A"}})
    [MetaChange(path=('plates',), before='2', after='3')]
    """
    if isinstance(older, dict) and isinstance(newer, dict):
        names = dict.fromkeys((*older, *newer))
        inside = ((older.get(one, _NOTHING), newer.get(one, _NOTHING), one) for one in names)
        return [
            change
            for before, after, name in inside
            for change in meta_changes(before, after, (*path, name))
        ]
    before, after = _written(older), _written(newer)
    return [] if before == after else [MetaChange(path, before, after)]


def _written(value: Any) -> str:
    return "" if value is _NOTHING else canonical_json(value)
