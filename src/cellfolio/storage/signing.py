"""Signing requests to S3: AWS Signature Version 4, in the ``Authorization`` header.

References
----------
"Signature Calculations for the Authorization Header", Amazon S3 API Reference.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

UNSIGNED = "UNSIGNED-PAYLOAD"
"""Stands for the payload's hash where TLS protects the payload."""
EMPTY = hashlib.sha256(b"").hexdigest()
"""Hash of a request without a body."""
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Keys:
    """Credentials.

    Attributes
    ----------
    access_key, secret_key : str
    token : str or None
        Of temporary credentials.
    """

    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A request that is to be signed.

    Attributes
    ----------
    method : str
        In capitals.
    url : str
        As `encode_path` and `encode_query` write it.
    payload_hash : str
        SHA-256 of the body in hexadecimal, or `UNSIGNED`.
    """

    method: str
    url: str
    payload_hash: str = EMPTY


def encode_path(key: str) -> str:
    """Return a key as it stands in a signed URL.

    Examples
    --------
    >>> encode_path("a b/µ+~.tif")
    'a%20b/%C2%B5%2B~.tif'
    """
    return quote(key, safe="/")


def encode_query(query: Mapping[str, str]) -> str:
    """Return a query as it stands in a signed URL: sorted, each name with a ``=``.

    Examples
    --------
    >>> encode_query({"uploads": "", "prefix": "a/b"})
    'prefix=a%2Fb&uploads='
    """
    pairs = sorted((quote(name, safe=""), quote(value, safe="")) for name, value in query.items())
    return "&".join(f"{name}={value}" for name, value in pairs)


def sign(request: Unsigned, keys: Keys, region: str, moment: datetime) -> dict[str, str]:
    """Return the headers that a signed request must have, ``Host`` among them.

    Parameters
    ----------
    request : Unsigned
    keys : Keys
    region : str
    moment : datetime
        Now, with a time zone; servers accept requests for 15 minutes.

    Examples
    --------
    The example "GET Bucket Lifecycle" of the reference above:

    >>> from datetime import UTC, datetime
    >>> keys = Keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    >>> request = Unsigned("GET", "https://examplebucket.s3.amazonaws.com/?lifecycle=")
    >>> headers = sign(request, keys, "us-east-1", datetime(2013, 5, 24, tzinfo=UTC))
    >>> headers["Authorization"].rpartition("=")[2]
    'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543'
    """
    time = moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    headers = {
        "host": _host(request.url),
        "x-amz-content-sha256": request.payload_hash,
        "x-amz-date": time,
    }
    if keys.token:
        headers["x-amz-security-token"] = keys.token
    names = ";".join(sorted(headers))
    canonical = _canonical(request, headers, names)
    scope = f"{time[:8]}/{region}/s3/aws4_request"
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{time}\n{scope}\n{hashed}"
    key = f"AWS4{keys.secret_key}".encode()
    for step in scope.split("/"):
        key = hmac.digest(key, step.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={keys.access_key}/{scope},"
        f"SignedHeaders={names},Signature={signature}"
    )
    return {**headers, "Authorization": authorization}


def _canonical(request: Unsigned, headers: Mapping[str, str], names: str) -> str:
    parts = urlsplit(request.url)
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    return "\n".join(
        (request.method, parts.path or "/", parts.query, lines, names, request.payload_hash)
    )


def _host(url: str) -> str:
    """Return what an HTTP client writes into ``Host``: the port only if it is not the usual."""
    parts = urlsplit(url)
    name = parts.netloc.rpartition("@")[2]
    usual = _DEFAULT_PORTS.get(parts.scheme)
    return name.removesuffix(f":{usual}") if parts.port == usual else name
