"""What a failure is called, and the exit code it gives."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click

from cellfolio import errors

DIFFERENT = 1
USAGE = 2
DISK = 7
BUG = 70
"""As ``EX_SOFTWARE`` of sysexits.h."""
INTERRUPTED = 130
CLOSED_PIPE = 141
"""What a shell reports of a program whose reader went away (128 + SIGPIPE)."""

MEANINGS: Mapping[int, str] = {
    0: "done; for diff, status, verify, doctor and schema --check: nothing differs or is wrong",
    DIFFERENT: "diff, status, verify, doctor, schema --check: something differs, is missing, "
    "damaged or wrong; profile: a plate failed; measure, featurize: a site failed",
    USAGE: "the command or an argument cannot be used",
    3: "not found",
    4: "conflict: your changed files, a newer revision, or the registry's rules",
    5: "integrity: bytes or a manifest are not what was promised",
    6: "network or transfer; what arrived is kept",
    DISK: "the local disk or store cannot do it",
    BUG: "a bug in cellfolio",
    INTERRUPTED: "interrupted; the same command goes on",
    CLOSED_PIPE: "the program that read the output has ended",
}
"""Every exit code."""

EXIT_CODES: Mapping[type[errors.CellfolioError], int] = {
    errors.InvalidArgument: USAGE,
    errors.NotFound: 3,
    errors.CheckoutConflict: 4,
    errors.PushConflict: 4,
    errors.WorkflowViolation: 4,
    errors.InvalidManifest: 5,
    errors.DigestMismatch: 5,
    errors.FormatError: 5,
    errors.UnknownFormat: USAGE,
    errors.TransferError: 6,
    errors.StoreError: DISK,
}
"""Exit code by error; errors below one of these in the tree have its code."""


def exit_code(error: BaseException) -> int:
    """Return the exit code of an error.

    Examples
    --------
    >>> exit_code(errors.PackageNotFound("no such package")), exit_code(ZeroDivisionError())
    (3, 70)
    """
    if isinstance(error, errors.TransferIncomplete) and error.failures:
        codes = {exit_code(failure) for failure in error.failures}
        return 5 if codes == {5} else 6
    for kind in type(error).__mro__:
        if kind in EXIT_CODES:
            return EXIT_CODES[kind]
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return INTERRUPTED
    if isinstance(error, BrokenPipeError):
        return CLOSED_PIPE
    if isinstance(error, click.ClickException):
        return USAGE
    return DISK if _is_of_disk(error) else BUG


def _is_of_disk(error: BaseException) -> bool:
    # sqlite3 is looked up, not imported: only a command that used it can fail in it.
    database = sys.modules.get("sqlite3")
    kinds: tuple[type[BaseException], ...] = (OSError,)
    if database is not None:
        kinds = (OSError, database.OperationalError)
    return isinstance(error, kinds)


def report(error: BaseException, *, as_json: bool) -> int:
    """Tell a failure on standard error, in one line and a hint; return its exit code."""
    code = exit_code(error)
    message, hint = _told(error, code)
    if code == BUG and os.environ.get("CELLFOLIO_DEBUG"):
        import traceback

        traceback.print_exception(error)
    if as_json:
        document = {**_facts(error, message, hint), "exit_code": code}
        print(json.dumps(document), file=sys.stderr)
    else:
        _print("cellfolio", message)
        if hint:
            _print("hint", hint)
    return code


def _told(error: BaseException, code: int) -> tuple[str, str]:
    """Return message and hint."""
    if isinstance(error, errors.CellfolioError):
        return error.message, error.hint
    if code == INTERRUPTED:
        return "interrupted; run the same command again to go on", ""
    if isinstance(error, click.ClickException):
        context = getattr(error, "ctx", None)
        path = "cellfolio" if context is None else context.command_path
        return error.format_message(), f"`{path} --help` shows how it is used"
    if code == DISK:
        return _disk_message(error), ""
    return (
        f"{type(error).__name__}: {error}; this is a bug in cellfolio",
        "run it again with CELLFOLIO_DEBUG=1 and report what it prints",
    )


def _disk_message(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror}"
    return str(error) or type(error).__name__


def _facts(error: BaseException, message: str, hint: str) -> dict[str, Any]:
    facts: dict[str, Any] = {"error": type(error).__name__, "message": message, "hint": hint}
    if isinstance(error, errors.TransferIncomplete):
        facts["failures"] = [
            {
                "error": type(failure).__name__,
                "message": str(failure),
                "hint": getattr(failure, "hint", ""),
            }
            for failure in error.failures
        ]
    if isinstance(error, errors.CheckoutConflict):
        facts["keys"] = list(error.keys)
    return facts


def _print(label: str, text: str) -> None:
    from cellfolio.cli.text import printable

    print(f"{label}: {printable(text)}", file=sys.stderr)


@contextmanager
def warnings_as_notes(*, as_json: bool) -> Iterator[None]:
    """Show warnings meant for users as one line on standard error each."""
    import warnings

    def show(message: Warning | str, *_: object, **__: object) -> None:
        if as_json:
            print(json.dumps({"note": str(message)}), file=sys.stderr)
        else:
            _print("note", str(message))

    with warnings.catch_warnings():
        warnings.filterwarnings("always", category=UserWarning)
        warnings.showwarning = show
        yield
