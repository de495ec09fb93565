"""What changed between two releases, as one mapping that both versions of the peer could give."""

from __future__ import annotations

from collections.abc import Iterable

from cellfolio.compat.abc.questions import MAPMYCELLS, MATRICES, METADATA, VOLUMES, is_data
from cellfolio.registries.abc.diff import KindDiff, ReleaseDiff

Differences = dict[str, dict[str, list[str]]]

_KINDS = {
    "metadata_changes": METADATA,
    "expression_matrix_file_changes": MATRICES,
    "image_volume_file_changes": VOLUMES,
    "mapmycells_file_changes": MAPMYCELLS,
}


def describe(diff: ReleaseDiff) -> Differences:
    """Return the differences by kind; each file is named ``directory: name``.

    ``data_file_changes`` is what version 0.2.0 gives, the other kinds are what 1.1.1 gives;
    ``directory_changes`` and ``metadata_changes`` are the same in both.

    Examples
    --------
    >>> described = describe(ReleaseDiff("20231215", "20250531", ("WMB-10X",), (), ()))
    >>> described["directory_changes"]
    {'new_dirs': ['WMB-10X'], 'removed_dirs': []}
    >>> sorted(described["data_file_changes"])[0]
    'changed_data_file'
    """
    described: Differences = {
        "directory_changes": {
            "new_dirs": list(diff.directories_added),
            "removed_dirs": list(diff.directories_removed),
        }
    }
    for name, kind in _KINDS.items():
        described[name] = _changes(kind, [one for one in diff.kinds if one.kind == kind])
    data = [one for one in diff.kinds if is_data(one.kind)]
    described["data_file_changes"] = _changes("data_file", data)
    return described


def _changes(suffix: str, kinds: Iterable[KindDiff]) -> dict[str, list[str]]:
    listed = list(kinds)
    return {
        f"new_{suffix}": sorted(name for one in listed for name in one.added),
        f"removed_{suffix}": sorted(name for one in listed for name in one.removed),
        f"changed_{suffix}": sorted(name for one in listed for name in one.changed),
        f"manifest_error_{suffix}": sorted(
            name for one in listed for name in one.same_version_other_bytes
        ),
    }
