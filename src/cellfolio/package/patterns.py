"""Patterns that name files of a package: paths, folders, globs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from cellfolio.errors import InvalidKey


def key_matcher(patterns: Iterable[str]) -> Callable[[str], bool]:
    """Return whether a logical key is named by any of `patterns` (see `Package.subset`).

    No patterns name everything.

    Examples
    --------
    >>> asked = key_matcher(["fovs", "*.csv"])
    >>> asked("fovs/a/b.tiff"), asked("plates/a.csv"), asked("a.csv")
    (True, False, True)
    """
    patterns = list(patterns)
    paths = [pattern.strip("/") for pattern in patterns]
    if not paths or any(path in ("", ".") for path in paths):
        return lambda key: True
    folders = tuple(path + "/" for path in paths)
    exact = frozenset(pattern.lstrip("/") for pattern in patterns)
    globs = [glob_pattern(path) for path in paths if is_glob(path)]

    def asked(key: str) -> bool:
        named = key in exact or key.startswith(folders)
        return named or any(pattern.match(key) for pattern in globs)

    return asked


def is_glob(path: str) -> bool:
    """Whether a path holds wildcards."""
    return any(character in path for character in "*?[")


def literal_pattern(key: str) -> str:
    """Return the pattern that names just the file of a logical key.

    Examples
    --------
    >>> literal_pattern("raw/a[1].tif"), literal_pattern("raw/a.tif")
    ('raw/a[[]1].tif', 'raw/a.tif')
    """
    return re.sub(r"[*?\[]", r"[\g<0>]", key)


_GLOB_TOKEN = re.compile(
    r"(?P<folders>(?:(?<![^/])\*\*/)+)|(?P<below>(?<![^/])\*\*\Z)|(?P<star>\*+)|(?P<one>\?)"
    r"|\[(?P<set>!?[^\]/]+)\]|.",
    re.DOTALL,
)
_GLOB_REGEX = {"folders": "(?:[^/]+/)*", "below": ".*", "star": "[^/]*", "one": "[^/]"}
_SPECIAL_IN_SET = re.compile(r"[\\\[^&~|]")


def glob_pattern(pattern: str) -> re.Pattern[str]:
    """Return a glob over logical keys as a regular expression.

    ``*`` and ``?`` match within a component, ``**`` between slashes any number of whole
    components (elsewhere it is ``*``), ``[a-c]`` and ``[!a-c]`` one character but ``/``.

    Raises
    ------
    InvalidKey
        If a character range is not usable.

    Examples
    --------
    >>> bool(glob_pattern("fovs/*.tiff").fullmatch("fovs/a/b.tiff"))
    False
    >>> bool(glob_pattern("**/b.tiff").fullmatch("b.tiff"))
    True
    """
    parts = []
    for token in _GLOB_TOKEN.finditer(pattern):
        kind = token.lastgroup or ""
        if kind == "set" and token["set"] != "!":
            inside = _SPECIAL_IN_SET.sub(r"\\\g<0>", token["set"])
            negated = inside.startswith("!")
            parts.append(f"(?!/)[^{inside[1:]}]" if negated else f"(?!/)[{inside}]")
        else:
            parts.append(_GLOB_REGEX.get(kind) or re.escape(token[0]))
    try:
        return re.compile("".join(parts) + r"\Z", re.DOTALL)
    except re.error as error:
        raise InvalidKey(pattern, f"is not a usable pattern: {error}") from None
