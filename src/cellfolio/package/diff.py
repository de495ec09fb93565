"""What changed from one package to another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cellfolio.package.entry import Entry
from cellfolio.package.keys import sort_key
from cellfolio.package.rows import canonical_json

if TYPE_CHECKING:
    from cellfolio.package.package import Package


@dataclass(frozen=True, slots=True)
class Diff:
    """What changed from one package to another; tuples are in the order of logical keys.

    Attributes
    ----------
    added, removed : tuple of Entry
    changed : tuple of (Entry, Entry)
        Before and after, where the bytes differ.
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


def compare(older: Package, newer: Package) -> Diff:
    """Return what changed from `older` to `newer`."""
    before = {row.key: row for row in older.rows}
    added, changed, meta_changed = [], [], []
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
        tuple(row.entry() for row in before.values()),
        tuple(changed),
        tuple(meta_changed),
        tuple(sorted(folder_changes, key=sort_key)),
    )


def _same_json(one: Any, other: Any) -> bool:
    """Whether two values are written alike: not so 1, 1.0 and true, which Python calls equal."""
    return canonical_json(one) == canonical_json(other)
