"""What goes wrong with a remote store, in the words of this library."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cellfolio.errors import (
    AccessRefused,
    CellfolioError,
    ObjectNotFound,
    ServerUnreachable,
    TransferError,
)

if TYPE_CHECKING:
    from cellfolio.storage.places import Place


class RangesUnsupported(TransferError):
    """The server cannot send a part of an object."""


class ChangedMeanwhile(TransferError):
    """A condition on the object's ETag did not hold."""


def translate_error(error: Exception, place: Place) -> Exception:
    """Return the error of this library for one of the client's."""
    from obstore import exceptions

    what = place.uri

    if isinstance(error, CellfolioError | FileExistsError):
        return error
    if isinstance(error, FileNotFoundError):
        return ObjectNotFound(
            f"{what} does not exist",
            hint="the owner may have removed or moved it; `cellfolio log` lists other revisions",
        )
    if isinstance(error, exceptions.AlreadyExistsError):
        return FileExistsError(what)
    if isinstance(error, exceptions.PreconditionError):
        return ChangedMeanwhile(f"{what} changed meanwhile")
    if isinstance(error, exceptions.NotSupportedError) or "NotPartial" in str(error):
        return RangesUnsupported(f"{what}: the server sends whole files only")
    if isinstance(error, ValueError):
        return TransferError(f"{what}: {_reason(error)}", hint="no store can hold such a key")
    refused = isinstance(error, exceptions.PermissionDeniedError | exceptions.UnauthenticatedError)
    if refused or _REFUSED.search(str(error)):
        return AccessRefused(
            f"access to {what} was refused",
            hint="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
        )
    if "NoSuchBucket" in str(error):
        return ObjectNotFound(f"{what}: the bucket does not exist", hint="check its name")
    if _UNREACHABLE.search(str(error)):
        return ServerUnreachable(
            f"{what} could not be reached: {_reason(error)}",
            hint="check the network and AWS_ENDPOINT_URL; finished files are kept",
        )
    return TransferError(
        f"{what}: {_reason(error)}", hint="run the same command again: finished files are kept"
    )


# The client tells kinds of failure apart in its text only.
_REFUSED = re.compile(r"status code: 40[13]|<Code>(?:AccessDenied|SignatureDoesNotMatch)</Code>")
_UNREACHABLE = re.compile(
    r"error sending request|kind: (?:Timeout|Connect)|TimedOut|operation timed out|dns error"
)


def _reason(error: Exception) -> str:
    """Return what a user can understand of a client's error."""
    text = str(error).split("\n\nDebug source:", 1)[0].strip()
    return " ".join(text.split())[:300] or type(error).__name__
