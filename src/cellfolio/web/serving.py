"""Starting the portal: in a terminal until it is stopped, or beside a notebook."""

from __future__ import annotations

import html
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cellfolio.errors import CellfolioError, InvalidArgument
from cellfolio.package.package import Package
from cellfolio.storage.home import Home
from cellfolio.web.access import TOKEN, Access, access_of
from cellfolio.web.app import make_portal
from cellfolio.web.places import link_of, reference_of
from cellfolio.web.shelf import Shelf, begin_of, check_words

if TYPE_CHECKING:
    import uvicorn

ADDRESS = "127.0.0.1"
PORT = 8765
_TRIED = 20
"""Ports that are tried after the usual one."""
_STARTING = 10.0
"""Seconds that a server may take to start."""


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """How a portal is reached.

    Attributes
    ----------
    address : str
        What it listens to. Others than those of this machine alone ask for a token.
    port : int or None
        0 for any that is free; None for 8765, or the next that is free.
    names : tuple of str
        Names by which other machines reach it.
    """

    address: str = ADDRESS
    port: int | None = None
    names: tuple[str, ...] = ()


class Portal:
    """A portal that listens: its address, and how it is stopped.

    Attributes
    ----------
    url : str
        Where to begin; with the token, if it asks for one.
    """

    def __init__(self, words: Iterable[str], home: Home, options: ServeOptions) -> None:
        import uvicorn

        self._shelf = Shelf(words, home)
        check_words(self._shelf)
        access = access_of(options.address, options.names)
        self._socket = _listen(options)
        self.url = _begin(self._shelf, access, options, self._socket.getsockname()[1])
        config = uvicorn.Config(
            make_portal(self._shelf, access),
            log_level="warning",
            server_header=False,
            limit_concurrency=500,
            timeout_graceful_shutdown=2,
        )
        self._server: uvicorn.Server = uvicorn.Server(config)
        self._thread: threading.Thread | None = None

    def run(self) -> None:
        """Answer until the process is told to stop."""
        self._server.run(sockets=[self._socket])

    def start(self) -> Portal:
        """Answer from a thread of its own, until `stop`.

        Raises
        ------
        CellfolioError
            If it does not start.
        """
        self._thread = threading.Thread(target=self.run, name="portal", daemon=True)
        self._thread.start()
        until = time.monotonic() + _STARTING
        while not self._server.started:
            if time.monotonic() > until or not self._thread.is_alive():
                raise CellfolioError(f"the portal did not start within {_STARTING:.0f} s")
            time.sleep(0.01)
        return self

    def stop(self) -> None:
        """Stop answering."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(_STARTING)
        self._socket.close()

    def _repr_html_(self) -> str:
        url = html.escape(self.url)
        return f'<a href="{url}" target="_blank" rel="noopener">{url}</a>'

    def __repr__(self) -> str:
        return f"Portal({self.url!r})"


def show(
    *what: Package | str,
    address: str = ADDRESS,
    port: int | None = None,
    home: Home | None = None,
) -> Portal:
    """Open a portal beside a notebook or a script; it answers until `Portal.stop`, or the end.

    Parameters
    ----------
    *what : Package or str
        Packages of a registry, references, names of data sets, paths of folders; by default
        everything on this machine.
    address : str
        What it listens to; others than those of this machine alone ask for a token, which is in
        the portal's address.
    port : int, optional
        0 for any that is free; by default 8765, or the next that is free.
    home : Home, optional

    Returns
    -------
    Portal
        In a notebook, a link.

    Raises
    ------
    InvalidReference, PackageNotFound
    InvalidArgument
        If a package is of no registry, or the port is taken.

    Examples
    --------
    >>> import cellfolio
    >>> portal = cellfolio.show(port=0)
    >>> portal.url.startswith("http://127.0.0.1:")
    True
    >>> portal.stop()
    """
    words = [_word_of(one) for one in what]
    return Portal(words, home or Home(), ServeOptions(address, port)).start()


def _word_of(what: Package | str) -> str:
    if isinstance(what, str):
        return what
    if not what.name:
        raise InvalidArgument(
            f"{what!r} is of no registry, so that no address can name it",
            hint="save it first, as `package.save(NAME)`, or give the path of its folder",
        )
    return f"{what.name}@{what.top_hash}"


def serve(
    words: Iterable[str],
    home: Home,
    options: ServeOptions,
    told: Callable[[Portal], None],
) -> None:
    """Open a portal and answer until the process is told to stop.

    Parameters
    ----------
    words : iterable of str
        References, names of data sets, paths of folders.
    home : Home
    options : ServeOptions
    told : callable
        Called once with the portal, when it listens.
    """
    portal = Portal(words, home, options)
    told(portal)
    portal.run()


def _listen(options: ServeOptions) -> socket.socket:
    ports = [options.port] if options.port is not None else [*range(PORT, PORT + _TRIED), 0]
    family = socket.AF_INET6 if ":" in options.address else socket.AF_INET
    problem: OSError | None = None
    for port in ports:
        found = socket.socket(family, socket.SOCK_STREAM)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((options.address, port))
        except OSError as error:
            found.close()
            problem = error
        else:
            return found
    reason = problem.strerror if problem is not None else "no port was tried"
    raise InvalidArgument(
        f"the portal cannot listen to {options.address}, port {ports[0]}: {reason}",
        hint="name another as --port; 0 takes any that is free",
    )


def _begin(shelf: Shelf, access: Access, options: ServeOptions, port: int) -> str:
    shown = begin_of(shelf)
    host = f"[{options.address}]" if ":" in options.address else options.address
    path = "/"
    if shown is not None:
        path = link_of("package", reference_of(shown.name, shown.revision, shown.path))
    token = "" if access.token is None else f"?{TOKEN}={access.token}"
    return f"http://{host}:{port}{path}{token}"
