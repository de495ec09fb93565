"""One remote object, whole, in a file without a name: for what is read once and not kept."""

from __future__ import annotations

import http.client
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import BinaryIO, cast
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from cellfolio.errors import AccessRefused, ObjectNotFound, ServerUnreachable, TransferError
from cellfolio.storage import clients
from cellfolio.storage.places import Place, parse_uri
from cellfolio.storage.remote import Remotes, with_retries

_BLOCK = 1 << 20
_REFUSED = (401, 403)
_ABSENT = (404, 410)


@contextmanager
def download(address: str, remotes: Remotes, *, hasty: bool = False) -> Iterator[BinaryIO]:
    """Fetch an object; give a file that can be read from any offset and is gone afterwards.

    Parameters
    ----------
    address : str
        URI of the object.
    remotes : Remotes
    hasty : bool
        Ask but once, and give up soon where the server does not answer.

    Raises
    ------
    ObjectNotFound, AccessRefused, ServerUnreachable, TransferError
    """
    place = parse_uri(address)
    with tempfile.TemporaryFile() as opened:
        file = cast(BinaryIO, opened)
        if hasty:
            _fill(file, place, remotes, hasty=True)
        else:
            with_retries(lambda: _fill(file, place, remotes, hasty=False))
        file.seek(0)
        yield file


def _fill(file: BinaryIO, place: Place, remotes: Remotes, *, hasty: bool) -> None:
    file.seek(0)
    file.truncate()
    try:
        body = remotes.get(place, hasty=hasty)
    except TransferError as error:
        # Archives that a server makes while it sends them, as GitHub does, have no length yet,
        # and the client refuses those.
        if "Content-Length" not in str(error) or not place.root.startswith("http"):
            raise
        _fill_from_stream(file, place, hasty=hasty)
        return
    for block in body.blocks(_BLOCK):
        file.write(block)
    if file.tell() != body.info.size:
        raise TransferError(f"{place.uri}: the connection ended early")


def _fill_from_stream(file: BinaryIO, place: Place, *, hasty: bool) -> None:
    """Fetch what has no length known beforehand; its chunks tell whether it is complete."""
    timeout = (clients.HASTY_TIMEOUT if hasty else clients.IDLE_TIMEOUT).total_seconds()
    request = Request(_url(place), headers={"User-Agent": "cellfolio"})
    try:
        with closing(urlopen(request, timeout=timeout)) as answer:
            while block := answer.read(_BLOCK):
                file.write(block)
    except HTTPError as error:
        raise _refusal(error, place) from error
    except (URLError, TimeoutError, ConnectionError) as error:
        raise ServerUnreachable(
            f"{place.uri} could not be reached: {error}", hint="check the network"
        ) from error
    except http.client.HTTPException as error:
        raise TransferError(f"{place.uri}: the connection ended early") from error


def _url(place: Place) -> str:
    path, mark, query = place.path.partition("?")
    return Place(place.root, path).uri + mark + query


def _refusal(error: HTTPError, place: Place) -> TransferError | ObjectNotFound:
    error.close()
    if error.code in _ABSENT:
        return ObjectNotFound(f"{place.uri} does not exist", hint="check the address")
    if error.code in _REFUSED:
        return AccessRefused(f"access to {place.uri} was refused", hint="check the address")
    return TransferError(f"{place.uri}: the server answered {error.code} {error.reason}")
