"""What S3 answers: XML, and the errors that its refusals stand for.

References
----------
"Error responses", Amazon S3 API Reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from cellfolio.errors import AccessRefused, ObjectNotFound, ServerUnreachable, TransferError
from cellfolio.storage.places import Place

if TYPE_CHECKING:
    from email.message import Message
    from xml.etree.ElementTree import Element

_REFUSALS = {
    "AccessDenied",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
}
_PASSING = {
    "BadDigest",
    "IncompleteBody",
    "InternalError",
    "OperationAborted",
    "RequestTimeout",
    "ServiceUnavailable",
    "SlowDown",
    "XAmzContentSHA256Mismatch",
}
_GONE = {"InvalidPart", "InvalidPartOrder", "NoSuchUpload"}
_AGAIN = "run the same command again: finished files and parts are kept"


class UploadGone(TransferError):
    """The server does not know an upload, or not the parts of it that we sent."""


class Passing(Exception):
    """Trouble that may pass; never seen outside.

    Attributes
    ----------
    error : Exception
        What to raise if it does not.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True)
class Answer:
    """A whole answer.

    Attributes
    ----------
    status : int
    headers : email.message.Message
    data : bytes
    place : Place
        What was asked about.
    """

    status: int
    headers: Message
    data: bytes
    place: Place

    @cached_property
    def _root(self) -> Element | None:
        from xml.etree import ElementTree

        try:
            return ElementTree.fromstring(self.data)
        except ElementTree.ParseError:
            return None

    @property
    def xml(self) -> Element:
        """The body's root element.

        Raises
        ------
        TransferError
            If the body is no XML.
        """
        if self._root is None:
            raise TransferError(
                f"{self.place.uri}: expected an answer in XML, found {self.data[:80]!r}",
                hint="check AWS_ENDPOINT_URL: this may be no S3 server",
            )
        return self._root

    @property
    def code(self) -> str:
        """The code of an error; empty where none is given."""
        return "" if self._root is None else read_text(self._root, "Code")

    @property
    def message(self) -> str:
        """The text of an error; empty where none is given."""
        return "" if self._root is None else read_text(self._root, "Message")


def read_text(element: Element, name: str) -> str:
    """Return the text of a child, whatever its namespace; empty where there is none."""
    return element.findtext(f"{{*}}{name}") or ""


def require_success(answer: Answer) -> None:
    """Raise what an answer stands for, if it is none of success.

    A completion may say 200 first and send an error afterwards: that is trouble of the server.

    Raises
    ------
    Passing
        If the same request may succeed later.
    AccessRefused, ObjectNotFound, UploadGone, TransferError
    """
    if answer.status < 300 and b"<Error" not in answer.data[:500]:
        return
    code, what = answer.code, answer.place.uri
    said = code or f"status {answer.status}"
    if code in _GONE:
        raise UploadGone(f"{what}: the upload has ended ({said})", hint=_AGAIN)
    if answer.status in (401, 403) or code in _REFUSALS:
        raise _refusal(code, what)
    if code == "NoSuchBucket":
        raise ObjectNotFound(f"{what}: the bucket does not exist", hint="check its name")
    region = answer.headers.get("x-amz-bucket-region")
    hint = _AGAIN
    if 300 <= answer.status < 400 and region:
        hint = f"the bucket is in {region}; set AWS_REGION to it"
    detail = f"{said}: {answer.message}" if answer.message else said
    error = TransferError(f"{what}: the server answered {detail[:300]}", hint=hint)
    if answer.status >= 500 or answer.status in (200, 429) or code in _PASSING:
        raise Passing(error)
    raise error


def _refusal(code: str, what: str) -> AccessRefused:
    hint = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
    if code == "RequestTimeTooSkewed":
        hint = "set this computer's clock: S3 refuses requests whose time is off by 15 minutes"
    elif code in ("ExpiredToken", "InvalidToken"):
        hint = "the session has ended; sign in again"
    why = f" ({code})" if code else ""
    return AccessRefused(f"access to {what} was refused{why}", hint=hint)


def unreachable(error: Exception, place: Place) -> ServerUnreachable:
    """Return the error for a server that did not answer."""
    reason = " ".join(str(error).split())[:300] or type(error).__name__
    return ServerUnreachable(
        f"{place.uri} could not be reached: {reason}",
        hint="check the network and AWS_ENDPOINT_URL; finished files and parts are kept",
    )
