"""Warnings of a cache: their classes and texts.

References
----------
Classes and conditions are those of abc_atlas_access 0.2.0 and 1.1.1; the words are ours, and the
calls that they advise work.
"""

from __future__ import annotations

import sys
import warnings

_OWN = __name__.rpartition(".")[0]


class OutdatedManifestWarning(UserWarning):
    """There is a newer release than the one in use, or than those used before."""


class MissingLocalManifestWarning(UserWarning):
    """The cache has files and no record of them."""


class ReadOnlyLocalCacheWarning(UserWarning):
    """What is used cannot be remembered, because the cache cannot be written."""


class LargeDataSizeWarning(UserWarning):
    """A directory of more than 10 GB is about to be downloaded."""


class FileMissingWarning(UserWarning):
    """A cache without a connection leaves out a file that it does not have."""


def warn(category: type[Warning], message: str) -> None:
    """Warn at the line of the program that called this package."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").startswith(_OWN):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def older_in_use(ui: str, used: str, latest: str) -> str:
    """Say that the release used last is not the newest."""
    return (
        f"You are loading {used}, the manifest that this cache used last. A more up to date "
        f"version of the dataset -- {latest} -- exists online. To see the changes between the "
        f"two versions, run\n{ui}.compare_manifests('{latest}', '{used}')\n"
        f"To load the newer version, run\n{ui}.load_manifest('{latest}')"
    )


def newer_than_used(ui: str, latest: str, before: str) -> str:
    """Say that the newest release is newer than what the cache had until now."""
    return (
        f"You are loading\n{latest}\nwhich is newer than the most recent manifest that this cache "
        f"had until now\n{before}\nFiles that changed between the two releases will be "
        "downloaded; files that are here are not overwritten. To see the changes, run\n"
        f"{ui}.compare_manifests('{latest}', '{before}')\n"
        f"To continue with {before}, run\n{ui}.load_manifest('{before}')"
    )


def not_the_newest(ui: str, name: str, latest: str) -> str:
    """Say that a release asked for by name is not the newest."""
    return (
        f"The manifest you are loading, {name}, is not the most up to date one, which is\n"
        f"{latest}\nTo see the differences between these manifests, run\n"
        f"{ui}.compare_manifests('{latest}', '{name}')\n"
        "The manifests that are on your system are in\n"
        f"{ui}.list_all_downloaded_manifests\n"
        f"To load the latest one, run\n{ui}.load_latest_manifest()"
    )


def unknown_last_used(used: str, latest: str) -> str:
    """Say that the release used last is not one that the atlas has."""
    return (
        f"The manifest recorded as last used for this cache -- {used} -- is not a valid manifest "
        f"for this dataset. Loading latest version -- {latest} -- instead."
    )


def no_record(folder: object) -> str:
    """Say that files were found without a record of them."""
    return (
        f"This cache directory, {folder}, appears to contain data files, but has no record of "
        "what those files are. Each is compared with its size and MD5 when it is first used, and "
        "is downloaded again only if it differs."
    )


def cannot_remember(reason: object) -> str:
    """Say that the release in use cannot be remembered."""
    return f"{reason}; the next session will not know which manifest was used last"


def large(directory: str, size: str) -> str:
    """Say that much is about to be downloaded."""
    return (
        f"{directory} contains a significant amount of data. Continue this download only if you "
        f"are sure you have enough space on your system.\n\n\tTotal directory size = {size}\n\n"
    )
