"""The requests of an upload in parts, to S3: begin, put a part, list parts, complete, abort.

The client for everything else, obstore, does uploads in parts as one call that cannot be gone on
with, so these requests are our own. They are retried with pauses where the trouble may pass.

References
----------
"Uploading and copying objects using multipart upload", Amazon S3 User Guide.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cellfolio.errors import TransferError
from cellfolio.storage.places import Place
from cellfolio.storage.s3.answers import read_text
from cellfolio.storage.s3.transport import Request, S3Bucket, go_on
from cellfolio.storage.signing import UNSIGNED


@dataclass(frozen=True, slots=True)
class OpenUpload:
    """An upload that was begun and is not complete.

    Attributes
    ----------
    place : Place
        Where the object will be.
    id : str
        The server's name for the upload.
    """

    place: Place
    id: str


@dataclass(frozen=True, slots=True)
class Part:
    """A part to send.

    Attributes
    ----------
    number : int
        Counted from 1.
    data : bytes
    sha256 : str or None
        Of the data, in hexadecimal, if it is known already.
    """

    number: int
    data: bytes
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class KeptPart:
    """A part that the server has: its ETag, without quotes, and its bytes."""

    e_tag: str
    size: int


class PartUploads:
    """Uploads in parts to one bucket; safe for threads.

    Every method raises `AccessRefused`, `ObjectNotFound` (no such bucket), `ServerUnreachable`,
    `UploadGone` or `TransferError`. `check` is called often and may raise to stop the work.

    Parameters
    ----------
    bucket : S3Bucket
    """

    def __init__(self, bucket: S3Bucket) -> None:
        self._bucket = bucket

    def begin(self, place: Place) -> OpenUpload:
        """Begin an upload."""
        answer = self._bucket.ask(Request("POST", place, {"uploads": ""}))
        upload_id = read_text(answer.xml, "UploadId").strip()
        if not upload_id:
            raise TransferError(
                f"{place.uri}: the server gave no name for the upload",
                hint="check AWS_ENDPOINT_URL: this may be no S3 server",
            )
        return OpenUpload(place, upload_id)

    def put_part(
        self, upload: OpenUpload, part: Part, check: Callable[[], None] = go_on
    ) -> KeptPart:
        """Send a part; one of the same number is replaced."""
        query = {"partNumber": str(part.number), "uploadId": upload.id}
        payload_hash = UNSIGNED
        if not self._bucket.secure:
            payload_hash = part.sha256 or hashlib.sha256(part.data).hexdigest()
        request = Request("PUT", upload.place, query, body=part.data, payload_hash=payload_hash)
        answer = self._bucket.ask(request, check)
        return KeptPart(answer.headers.get("ETag", "").strip('"'), len(part.data))

    def parts(self, upload: OpenUpload, *, page_size: int = 1000) -> dict[int, KeptPart]:
        """Return the parts that the server has, by number; each request asks for some.

        Some servers list a part that was replaced beside the one that replaced it: then neither
        counts.
        """
        found: dict[int, KeptPart] = {}
        doubtful: set[int] = set()
        marker: str | None = "0"
        while marker is not None:
            query = {
                "max-parts": str(page_size),
                "part-number-marker": marker,
                "uploadId": upload.id,
            }
            page = self._bucket.ask(Request("GET", upload.place, query)).xml
            for part in page.iterfind("{*}Part"):
                number, e_tag = (
                    int(read_text(part, "PartNumber")),
                    read_text(part, "ETag").strip('"'),
                )
                kept = KeptPart(e_tag, int(read_text(part, "Size")))
                if found.setdefault(number, kept) != kept:
                    doubtful.add(number)
            following = read_text(page, "NextPartNumberMarker")
            more = read_text(page, "IsTruncated") == "true" and following not in ("", marker)
            marker = following if more else None
        return {number: kept for number, kept in found.items() if number not in doubtful}

    def complete(self, upload: OpenUpload, parts: Mapping[int, KeptPart]) -> str | None:
        """Make the parts one object; return its version."""
        from xml.sax.saxutils import escape

        listed = "".join(
            f'<Part><PartNumber>{number}</PartNumber><ETag>"{escape(part.e_tag)}"</ETag></Part>'
            for number, part in sorted(parts.items())
        )
        body = (
            '<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"{listed}</CompleteMultipartUpload>"
        ).encode()
        payload_hash = hashlib.sha256(body).hexdigest()
        query = {"uploadId": upload.id}
        request = Request("POST", upload.place, query, body=body, payload_hash=payload_hash)
        answer = self._bucket.ask(request)
        return answer.headers.get("x-amz-version-id")

    def abort(self, upload: OpenUpload) -> None:
        """Give an upload up; the server drops its parts."""
        self._bucket.ask(Request("DELETE", upload.place, {"uploadId": upload.id}))
