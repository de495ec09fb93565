"""Logical keys and package names: what they may look like and how they sort.

Rule 1: a logical key is a relative path of one or more components joined by ``/``.
Rule 2: no component is empty, ``.`` or ``..``; no NUL, no backslash. So no key can name a place
outside the folder it is put into. On Windows this needs `check_writable` too, which refuses
drives (``C:x``), device names and names that end with a dot or a space.
Rule 3: keys sort component by component, by code point (Quilt manifests are hashed in this
order). ``a/x`` comes before ``a-b/x``.
"""

from __future__ import annotations

import re

from cellfolio.errors import InvalidKey, InvalidReference

RECORD_FOLDER = ".cellfolio"
"""Folder in a checkout that holds its record; no package file may be put there."""

_NOT_IDENTIFIER = re.compile(r"\W")
_BAD = re.compile(r"[\0\\]|(?:^|/)(?:\.\.?)?(?:/|\Z)")
_NAME = re.compile(r"[\w-]+/[\w-]+")
# Names that Windows keeps for devices, whatever their suffix.
_DEVICE = re.compile(
    r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|COM[0-9¹²³]|LPT[0-9¹²³]) *(?:\..*)?", re.IGNORECASE
)
# What Windows may call `RECORD_FOLDER` in programs that know only eight letters.
_SHORT_RECORD = re.compile(r"cellfo~[0-9]+", re.IGNORECASE)
_WINDOWS_FORBIDS = re.compile(r'[<>:"|?*\x00-\x1f]|[ .]$')


def check_key(key: str) -> str:
    r"""Return `key` if it is a valid logical key.

    Parameters
    ----------
    key : str
        Path with ``/`` between components.

    Returns
    -------
    str
        The same key.

    Raises
    ------
    InvalidKey
        If it is empty, absolute, or holds an empty component, ``.``, ``..``, a NUL, a backslash
        or text that has no UTF-8 form.

    Examples
    --------
    >>> check_key("fovs/fov_1.tiff")
    'fovs/fov_1.tiff'
    >>> check_key("../secret")
    Traceback (most recent call last):
    cellfolio.errors.InvalidKey: logical key '../secret' may not contain '..'
    """
    if not _BAD.search(key) and key:
        if not key.isascii():
            _check_encodable(key)
        return key
    raise InvalidKey(key, _reason(key))


def _check_encodable(key: str) -> None:
    try:
        key.encode()
    except UnicodeEncodeError:
        raise InvalidKey(key, "has no UTF-8 form (lone surrogate)") from None


def _reason(key: str) -> str:
    parts = key.split("/")
    reasons = {
        "is empty": not key,
        "may not contain NUL": "\0" in key,
        "may not contain a backslash": "\\" in key,
        "is absolute; it must be relative to the package": key.startswith("/"),
        "may not contain '..'": ".." in parts,
        "may not contain '.' as a component": "." in parts,
    }
    return next((reason for reason, holds in reasons.items() if holds), "has an empty component")


def sort_key(key: str) -> bytes:
    """Return bytes that sort like the components of `key` by code point.

    NUL sorts before every other character and is refused inside keys, and UTF-8 keeps the order
    of code points.

    Examples
    --------
    >>> sorted(["a-b/x", "a/x", "a"], key=sort_key)
    ['a', 'a/x', 'a-b/x']
    """
    return key.encode().replace(b"/", b"\0")


def identifier(name: str) -> str:
    """Return a name with every character that identifiers may not have replaced by ``_``.

    Examples
    --------
    >>> identifier("2d_fields/metadata.csv"), identifier("gene-counts")
    ('_2d_fields_metadata_csv', 'gene_counts')
    """
    plain = _NOT_IDENTIFIER.sub("_", name)
    return f"_{plain}" if plain[:1].isdecimal() else plain


def portability_problem(key: str) -> str:
    """Say why `key` cannot be a file name on Windows, or return an empty string.

    Examples
    --------
    >>> portability_problem("plates/aux/info.json")
    "has the component 'aux', which Windows reserves or forbids"
    >>> portability_problem("plates/a.json")
    ''
    """
    for part in key.split("/"):
        if _DEVICE.fullmatch(part) or _WINDOWS_FORBIDS.search(part):
            return f"has the component {part!r}, which Windows reserves or forbids"
    return ""


def check_writable(key: str, *, windows: bool) -> str:
    """Return `key` if a file of that name may be put into a checkout.

    Parameters
    ----------
    key : str
        A logical key.
    windows : bool
        Whether the checkout is on Windows, where more names are reserved.

    Raises
    ------
    InvalidKey
        If the key is invalid, is kept for the checkout's own record, or is reserved by the
        operating system.

    Examples
    --------
    >>> check_writable("aux/info.json", windows=False)
    'aux/info.json'
    >>> check_writable(".cellfolio/x", windows=False)
    Traceback (most recent call last):
    cellfolio.errors.InvalidKey: logical key '.cellfolio/x' is kept for the checkout's own record
    """
    check_key(key)
    first = key.split("/", 1)[0]
    if first.lower() == RECORD_FOLDER or (windows and _SHORT_RECORD.fullmatch(first)):
        raise InvalidKey(key, "is kept for the checkout's own record")
    if windows and (problem := portability_problem(key)):
        raise InvalidKey(key, problem, hint="get this file by itself under another name")
    return key


def check_package_name(name: str) -> str:
    """Return `name` if it is a package name ``namespace/name``.

    Both parts are letters, digits, ``_`` or ``-`` (Unicode letters count, as in Quilt).

    Raises
    ------
    InvalidReference

    Examples
    --------
    >>> check_package_name("aics/cardio_diff_manuscript")
    'aics/cardio_diff_manuscript'
    """
    if not _NAME.fullmatch(name):
        raise InvalidReference(
            f"{name!r} is not a package name; expected 'namespace/name' of letters, digits, _ and -"
        )
    return name
