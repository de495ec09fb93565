"""Clients for remote stores, as the environment has them set up.

S3 takes the standard variables: ``AWS_ENDPOINT_URL`` (and ``AWS_ENDPOINT_URL_S3``), ``AWS_REGION``
or ``AWS_DEFAULT_REGION``, ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``, ``AWS_SESSION_TOKEN``,
``AWS_PROFILE``. Without credentials, requests are unsigned, as public buckets want them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellfolio.errors import AccessRefused, LibraryMissing
from cellfolio.extras import importing
from cellfolio.storage.signing import Keys

if TYPE_CHECKING:
    from obstore.store import ObjectStore

IDLE_TIMEOUT = timedelta(seconds=30)
"""How long a server may be silent within one answer."""
REQUEST_TIMEOUT = timedelta(minutes=30)
"""How long one answer may take in all, however steadily it comes."""
CONNECT_TIMEOUT = timedelta(seconds=10)
HASTY_TIMEOUT = timedelta(seconds=3)
"""How long to wait where there is something to fall back on."""
RETRY_TIMEOUT = timedelta(minutes=2)
"""How long the client itself goes on trying one request."""


def open_client(root: str, *, hasty: bool, unsigned: bool = False) -> ObjectStore:
    """Return the client for a bucket, host or folder.

    A hasty one asks once and waits little; an unsigned one uses no credentials.
    """
    from obstore import store as stores

    scheme, _, rest = root.partition("://")
    options: Any = {
        "timeout": REQUEST_TIMEOUT,
        "read_timeout": HASTY_TIMEOUT if hasty else IDLE_TIMEOUT,
        "connect_timeout": HASTY_TIMEOUT if hasty else CONNECT_TIMEOUT,
        "allow_http": True,
        "pool_max_idle_per_host": "128",
    }
    retries: Any = {
        "max_retries": 0 if hasty else 6,
        "backoff": {
            "init_backoff": timedelta(milliseconds=100),
            "max_backoff": timedelta(seconds=3),
            "base": 2,
        },
        "retry_timeout": RETRY_TIMEOUT,
    }
    match scheme:
        case "s3":
            return stores.S3Store(
                rest, client_options=options, retry_config=retries, **_s3_settings(rest, unsigned)
            )
        case "file":
            return stores.LocalStore("/")
        case "memory":
            return stores.MemoryStore()
        case "http" | "https":
            return stores.HTTPStore.from_url(root, client_options=options, retry_config=retries)
    return stores.from_url(root, client_options=options, retry_config=retries)


def _s3_settings(bucket: str, unsigned: bool) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    environment = os.environ
    endpoint = _endpoint()
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
    if endpoint:
        settings["endpoint"] = endpoint
        settings["region"] = region or "us-east-1"
    else:
        settings["region"] = bucket_region(bucket) or region or "us-east-1"
    provider = None if unsigned else _credentials()
    if provider is None:
        settings["skip_signature"] = True
    elif provider != "environment":
        settings["credential_provider"] = provider
    return settings


def _endpoint() -> str | None:
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")


@dataclass(frozen=True, slots=True)
class S3Access:
    """How requests of our own reach a bucket.

    Attributes
    ----------
    url : str
        Of the bucket, without a slash at its end.
    region : str
    keys : callable or None
        Returns the credentials that hold now; None where requests are not signed.
    """

    url: str
    region: str
    keys: Callable[[], Keys] | None


# Settings of the client (`AmazonS3ConfigKey` in the documentation of Rust's object_store) that
# change how requests look; requests of our own do not follow them.
_ONLY_THE_CLIENT = (
    "AWS_ALLOW_INVALID_CERTIFICATES",
    "AWS_CHECKSUM_ALGORITHM",
    "AWS_PROXY_URL",
    "AWS_REQUEST_PAYER",
    "AWS_S3_EXPRESS",
    "AWS_SERVER_SIDE_ENCRYPTION",
    "AWS_SSE_BUCKET_KEY_ENABLED",
    "AWS_SSE_CUSTOMER_KEY_BASE64",
    "AWS_SSE_KMS_KEY_ID",
    "AWS_VIRTUAL_HOSTED_STYLE_REQUEST",
)


def s3_access(bucket: str, region: str, *, unsigned: bool = False) -> S3Access | None:
    """Return how to reach a bucket ourselves; None where only the client can.

    The client alone knows credentials of containers and web identities, and what some variables
    ask for.

    Parameters
    ----------
    bucket : str
    region : str
        As the client of this bucket has it.
    unsigned : bool
        Use no credentials.
    """
    environment = os.environ
    endpoint = _endpoint()
    odd = any(environment.get(name) for name in _ONLY_THE_CLIENT)
    if odd or (environment.get("AWS_ENDPOINT") and not endpoint) or bucket.endswith("--x-s3"):
        return None
    keys = None
    if not unsigned and not _skips_signature() and (provider := _credentials()) is not None:
        keys = _keys(provider)
        if keys is None:
            return None
    if endpoint:
        return S3Access(f"{endpoint.rstrip('/')}/{bucket}", region, keys)
    if "." in bucket:  # no certificate covers such a host
        return S3Access(f"https://s3.{region}.amazonaws.com/{bucket}", region, keys)
    return S3Access(f"https://{bucket}.s3.{region}.amazonaws.com", region, keys)


def _keys(provider: Any) -> Callable[[], Keys] | None:
    """Return what gives the credentials; None where only the client can read them."""
    if provider != "environment":
        return lambda: _provided(provider)
    environment = os.environ
    access_key = environment.get("AWS_ACCESS_KEY_ID")
    secret_key = environment.get("AWS_SECRET_ACCESS_KEY")
    if not access_key or not secret_key:
        return None
    keys = Keys(access_key, secret_key, environment.get("AWS_SESSION_TOKEN") or None)
    return lambda: keys


def _skips_signature() -> bool:
    """Whether the client was told to sign nothing, in words that it takes for yes."""
    return os.environ.get("AWS_SKIP_SIGNATURE", "").lower() in ("1", "true", "on", "yes", "y")


def _provided(provider: Any) -> Keys:
    try:
        found = provider()
    except Exception as error:  # of boto3: an expired session, an unreadable file, no network
        raise AccessRefused(
            f"the credentials could not be read: {error}", hint="sign in again, or set AWS_PROFILE"
        ) from error
    return Keys(found["access_key_id"], found["secret_access_key"], found["token"])


def _credentials() -> Any:
    """Return a credential provider, ``environment`` for the standard variables, or None."""
    environment = os.environ
    if environment.get("AWS_ACCESS_KEY_ID"):
        return "environment"
    in_cloud = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_WEB_IDENTITY_TOKEN_FILE")
    if any(environment.get(name) for name in in_cloud):
        return "environment"
    shared = Path(environment.get("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"))
    if not (environment.get("AWS_PROFILE") or shared.expanduser().is_file()):
        return None
    try:
        with importing("boto3", extra="aws", what="the profile that AWS_PROFILE names"):
            from obstore.auth.boto3 import Boto3CredentialProvider
    except LibraryMissing:
        if environment.get("AWS_PROFILE"):
            raise
        return None
    return Boto3CredentialProvider()


def bucket_region(bucket: str, *, host: str = "https://{bucket}.s3.amazonaws.com") -> str | None:
    """Ask Amazon for the region of a bucket; None where it does not tell.

    Every S3 host tells it in the header ``x-amz-bucket-region``, also with a refusal.
    """
    from urllib.error import HTTPError, URLError
    from urllib.request import Request, urlopen

    request = Request(host.format(bucket=bucket), method="HEAD")
    try:
        with urlopen(request, timeout=CONNECT_TIMEOUT.total_seconds()) as answer:
            headers = answer.headers
    except HTTPError as error:
        headers = error.headers
    except (URLError, OSError):
        return None
    region: str | None = headers.get("x-amz-bucket-region")
    return region
