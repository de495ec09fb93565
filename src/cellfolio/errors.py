"""Every error that cellfolio raises, in one tree.

::

    CellfolioError
    ├── InvalidArgument (ValueError)      what the caller gave cannot be used
    │   ├── InvalidKey                    a logical key that may not be used
    │   ├── InvalidReference              a package, revision or registry name
    │   └── LibraryMissing (ImportError)  a library of an extra is needed and not installed
    ├── NotFound (LookupError)
    │   ├── PackageNotFound
    │   ├── RevisionNotFound
    │   ├── EntryNotFound
    │   └── ObjectNotFound (FileNotFoundError)   the bytes are not where the manifest says
    ├── InvalidManifest (ValueError)      a manifest that cannot be read
    │   └── ManifestMismatch              a manifest whose bytes do not give its top hash
    ├── DigestMismatch                    bytes that are not what was promised
    ├── FormatError (ValueError)          a file cannot be opened as what it should be
    │   ├── UnknownFormat                 nothing here knows how to open it
    │   └── BrokenFile                    its bytes are not a whole, valid file of its format
    ├── TransferError (OSError)           bytes could not be moved
    │   ├── ServerUnreachable (ConnectionError)
    │   ├── AccessRefused (PermissionError)
    │   └── TransferIncomplete            some files of many failed; the rest is safe
    ├── StoreError (OSError)              the local store cannot do it
    │   ├── StoreReadOnly
    │   └── NotEnoughSpace
    ├── CheckoutConflict (FileExistsError)       a user's file stands where ours should go
    ├── PushConflict                      the registry moved on since we last looked
    └── WorkflowViolation                 the registry's rules refuse the package

The message says what happened, what was expected and what was found. ``hint`` says what to
do about it. Facts a program may want are attributes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class CellfolioError(Exception):
    """Base of all errors of this library.

    Parameters
    ----------
    message : str
        What happened, what was expected, what was found.
    hint : str, optional
        What the user can do about it.

    Examples
    --------
    >>> error = CellfolioError("the store is locked", hint="stop the other process")
    >>> str(error), error.hint
    ('the store is locked', 'stop the other process')
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # By default an error is pickled as a call with its message, which most of ours do not take.
        return _unpickled, (type(self), self.args, self.__dict__)


def _unpickled(
    kind: type[CellfolioError], args: tuple[Any, ...], facts: dict[str, Any]
) -> CellfolioError:
    """Make an error that came from another process."""
    # Of several bases, the one that decides how an object is laid out has to make it.
    base: Any = kind
    while base.__module__ != "builtins":
        base = base.__base__
    error: CellfolioError = base.__new__(kind)
    error.args = args
    error.__dict__.update(facts)
    return error


class InvalidArgument(CellfolioError, ValueError):
    """An argument has the wrong form or an impossible value."""


class InvalidKey(InvalidArgument):
    """A logical key that may not be used.

    Attributes
    ----------
    key : str
        The key as it was given.
    """

    def __init__(self, key: str, reason: str, *, hint: str = "") -> None:
        super().__init__(f"logical key {key!r} {reason}", hint=hint)
        self.key = key


class InvalidReference(InvalidArgument):
    """A name of a package, revision or registry that cannot be understood."""


class LibraryMissing(InvalidArgument, ImportError):
    """A library that an extra brings is needed and cannot be imported.

    Attributes
    ----------
    extra : str
        The extra of cellfolio that brings it.
    """

    def __init__(self, message: str, *, extra: str, instead: str = "") -> None:
        otherwise = f", or {instead}" if instead else ""
        super().__init__(message, hint=f"python -m pip install 'cellfolio[{extra}]'{otherwise}")
        self.extra = extra


class NotFound(CellfolioError, LookupError):
    """Something was asked for by name and is not there."""


class PackageNotFound(NotFound):
    """The registry has no package of that name."""


class RevisionNotFound(NotFound):
    """The package has no such revision, or the short top hash names several."""


class EntryNotFound(NotFound):
    """The package has no such logical key."""


class ObjectNotFound(NotFound, FileNotFoundError):
    """The bytes are not where the manifest says they are."""


class InvalidManifest(CellfolioError, ValueError):
    """A manifest that cannot be read.

    Attributes
    ----------
    line : int or None
        The line, counted from 1, that is at fault.
    """

    def __init__(self, message: str, *, line: int | None = None, hint: str = "") -> None:
        super().__init__(message if line is None else f"line {line}: {message}", hint=hint)
        self.line = line


class ManifestMismatch(InvalidManifest):
    """A manifest whose content does not give the top hash it is known by.

    Attributes
    ----------
    expected, found : str
        Top hashes, 64 hexadecimal digits.
    """

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(
            f"the manifest does not match its top hash: expected {expected}, found {found}",
            hint="the registry's copy was altered or damaged; ask its owner, or read it "
            "unverified with verify=False (--unverified)",
        )
        self.expected = expected
        self.found = found


class DigestMismatch(CellfolioError):
    """Bytes that are not the bytes the manifest promised.

    Attributes
    ----------
    what : str
        The logical key or path.
    expected, found : str
        ``algorithm:value`` or a size in bytes.
    """

    def __init__(self, what: str, expected: str, found: str, *, hint: str = "") -> None:
        super().__init__(f"{what}: expected {expected}, found {found}", hint=hint)
        self.what = what
        self.expected = expected
        self.found = found


class FormatError(CellfolioError, ValueError):
    """A file cannot be opened as what it should be.

    Attributes
    ----------
    path : str
        The file.
    format : str
        Name of the format; empty if none is known.
    reason : str
        Why, without file and format.
    """

    def __init__(self, path: object, format: str, reason: str, *, hint: str = "") -> None:  # noqa: A002 - the fact's name
        what = f"cannot be read as {format}" if format else "cannot be opened"
        super().__init__(f"{path} {what}: {reason}", hint=hint)
        self.path = str(path)
        self.format = format
        self.reason = reason


class UnknownFormat(FormatError):
    """Nothing here knows how to open a file of that name and content."""


class BrokenFile(FormatError):
    """The bytes are not a whole, valid file of their format, or would take too much room."""


class TransferError(CellfolioError, OSError):
    """Bytes could not be moved between here and a remote store."""


class ServerUnreachable(TransferError, ConnectionError):
    """The remote store did not answer in time, or not at all."""


class AccessRefused(TransferError, PermissionError):
    """The remote store refused access."""


class TransferIncomplete(TransferError):
    """Some of the files asked for could not be transferred; the others are safe.

    Attributes
    ----------
    failures : tuple of Exception
        One error per file, in the order of their logical keys.
    """

    def __init__(self, failures: Sequence[Exception], total: int) -> None:
        shown = "; ".join(str(failure) for failure in failures[:3])
        more = f"; and {len(failures) - 3} more" if len(failures) > 3 else ""
        hints = [failure.hint for failure in failures if isinstance(failure, CellfolioError)]
        super().__init__(
            f"{len(failures)} of {total} files failed: {shown}{more}",
            hint=next(filter(None, hints), "run the same command again: finished files are kept"),
        )
        self.failures = tuple(failures)


class StoreError(CellfolioError, OSError):
    """The local store cannot do what was asked."""


class StoreReadOnly(StoreError):
    """The store cannot be written, and something had to be written."""


class NotEnoughSpace(StoreError):
    """The disk has less free space than the transfer needs.

    Attributes
    ----------
    needed, free : int
        Bytes.
    """

    def __init__(self, message: str, *, needed: int, free: int, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.needed = needed
        self.free = free


class CheckoutConflict(CellfolioError, FileExistsError):
    """Files that the user made or changed stand where package files should go.

    Attributes
    ----------
    keys : tuple of str
        Logical keys of those files, in order.
    """

    def __init__(self, folder: str, keys: Sequence[str]) -> None:
        shown = ", ".join(keys[:5]) + (f" and {len(keys) - 5} more" if len(keys) > 5 else "")
        count = "1 file" if len(keys) == 1 else f"{len(keys)} files"
        super().__init__(
            f"{count} in {folder} changed here, or not of this package: {shown}",
            hint="nothing was written; move them away, or overwrite them with force=True (--force)",
        )
        self.keys = tuple(keys)


class PushConflict(CellfolioError):
    """The registry's latest revision is not the one the push started from.

    Attributes
    ----------
    expected, found : str or None
        Top hashes; None stands for "no revision".
    """

    def __init__(self, name: str, expected: str | None, found: str | None) -> None:
        super().__init__(
            f"{name} changed in the registry: expected its latest revision to be "
            f"{expected or 'none'}, found {found or 'none'}",
            hint="get the latest revision and build on it, or push with force=True (--force)",
        )
        self.expected = expected
        self.found = found


class WorkflowViolation(CellfolioError):
    """The registry's workflow rules refuse the package."""
