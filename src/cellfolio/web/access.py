"""Who may ask the portal for what, and what a browser may do with the answer.

Rule 1: the ``Host`` of a request is one of ours: a page elsewhere whose name was bent to this
machine (DNS rebinding) gets nothing.
Rule 2: on an address that other machines reach, every request brings the token.
Rule 3: requests that change something come from our own pages.
Rule 4: answers carry a policy by which no script, style, picture or form of another origin, and no
script in a page's text, does anything.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "cellfolio_token"
TOKEN = "token"
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "frame-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
        "base-uri 'none'",
    )
)
"""Content security policy of every page of ours."""
HEADERS = {
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    # Not "no-referrer", by which a browser would hide from us that a form is of our own page.
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
}
"""Headers of answers; one that an answer has already stays as it is."""
_READING = ("GET", "HEAD")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Access:
    """Who may ask.

    Attributes
    ----------
    hosts : frozenset of str
        Names that the ``Host`` of a request may have, in lower case and without port.
    token : str or None
        What every request must bring, as ``?token=`` once, then as a cookie, or as
        ``Authorization: Bearer``; None where only this machine is listened to.
    """

    hosts: frozenset[str]
    token: str | None = None


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches an address.

    Examples
    --------
    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return address.lower() == "localhost"


def access_of(address: str, names: Iterable[str] = ()) -> Access:
    """Return who may ask a portal that listens to an address.

    Parameters
    ----------
    address : str
        What the server listens to.
    names : iterable of str
        Names by which other machines reach it.
    """
    hosts = frozenset(name.lower().strip("[]") for name in (*_LOOPBACK, address, *names))
    return Access(hosts, None if is_loopback(address) else secrets.token_urlsafe(24))


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not answered."""

    status: int
    reason: str


def find_refusal(
    access: Access, method: str, target: str, headers: Mapping[str, str]
) -> Refusal | None:
    """Return why a request is refused, or None.

    Parameters
    ----------
    access : Access
    method : str
    target : str
        Path with query.
    headers : mapping of str to str
        Names in lower case.

    Examples
    --------
    >>> find_refusal(access_of("127.0.0.1"), "GET", "/", {"host": "evil.example:80"}).status
    421
    """
    host = headers.get("host", "")
    if _name_of(host) not in access.hosts:
        return Refusal(421, f"the portal is not called {host!r}; use the address it was started on")
    if access.token is not None and not _brings(access.token, target, headers):
        return Refusal(401, "this portal asks for the token that it printed when it started")
    if method in _READING:
        return None
    if method != "POST":
        return Refusal(405, f"the portal is for reading: {method} is not answered")
    return None if _is_own(host, headers) else Refusal(403, "that page is not of this portal")


def _name_of(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _is_own(host: str, headers: Mapping[str, str]) -> bool:
    """Whether a request that changes something comes from our page, or from no browser."""
    origin = headers.get("origin")
    if origin is not None:
        return urlsplit(origin).netloc.lower() == host.lower()
    return headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")


def _brings(token: str, target: str, headers: Mapping[str, str]) -> bool:
    cookies: SimpleCookie = SimpleCookie()
    try:
        cookies.load(headers.get("cookie", ""))
    except CookieError:
        cookies.clear()
    offered = [
        cookies[COOKIE].value if COOKIE in cookies else "",
        headers.get("authorization", "").removeprefix("Bearer "),
        dict(parse_qsl(urlsplit(target).query)).get(TOKEN, ""),
    ]
    return any(hmac.compare_digest(one.encode(), token.encode()) for one in offered)


class Guard:
    """Refuses what may not be asked, and adds `HEADERS` to every answer.

    Parameters
    ----------
    app : ASGI application
    access : Access
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        answer = self._answer(scope)
        await (answer or self._app)(scope, receive, send_guarded)

    def _answer(self, scope: Scope) -> Response | None:
        """Return a refusal, or where to go on with the token in a cookie; None to go on."""
        if scope["type"] != "http":
            return PlainTextResponse("the portal speaks HTTP only", 400)
        query = scope["query_string"].decode("latin-1")
        target = f"{scope['path']}?{query}"
        headers = {name.lower(): value for name, value in Headers(scope=scope).items()}
        refusal = find_refusal(self._access, scope["method"], target, headers)
        if refusal is not None:
            return PlainTextResponse(refusal.reason + "\n", refusal.status)
        pairs = parse_qsl(query, keep_blank_values=True)
        if self._access.token is None or TOKEN not in dict(pairs):
            return None
        left = urlencode([(name, value) for name, value in pairs if name != TOKEN])
        path = "/" + scope["path"].lstrip("/")
        answer = RedirectResponse(f"{path}?{left}" if left else path, 303)
        answer.set_cookie(COOKIE, self._access.token, httponly=True, samesite="strict")
        return answer
