"""Signatures: what Amazon's examples and its own client have."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from cellfolio.storage.signing import Keys, Unsigned, encode_path, encode_query, sign

EXAMPLE = Keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
TEXT = st.text(
    st.one_of(st.sampled_from(" +~%&=?#:@!$'()*,;[]µü名/."), st.characters(codec="utf-8")),
    min_size=1,
    max_size=20,
).filter(lambda key: "\0" not in key)


def test_example_of_the_reference() -> None:
    """The one called "Get Bucket (List Objects)" in Amazon's description of the signature."""
    request = Unsigned("GET", "https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J")
    headers = sign(request, EXAMPLE, "us-east-1", datetime(2013, 5, 24, tzinfo=UTC))
    assert headers["Authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        "SignedHeaders=host;x-amz-content-sha256;x-amz-date,"
        "Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
    )


@given(
    key=TEXT,
    query=st.dictionaries(st.sampled_from(["uploadId", "partNumber", "uploads", "a b"]), TEXT),
    method=st.sampled_from(["GET", "PUT", "POST", "DELETE"]),
    host=st.sampled_from(
        ["https://bucket.s3.eu-west-1.amazonaws.com", "http://127.0.0.1:8333/b", "http://h:80/b"]
    ),
    token=st.none() | st.just("a/token+=="),
    body=st.binary(max_size=10),
)
def test_signature_is_that_of_botocore(
    key: str, query: dict[str, str], method: str, host: str, token: str | None, body: bytes
) -> None:
    import hashlib

    url = f"{host}/{encode_path(key)}"
    if query:
        url += f"?{encode_query(query)}"
    # The oracle encodes the query itself, as its own client hands it over.
    theirs = AWSRequest(method, f"{host}/{quote(key, safe='/~')}", data=body, params=query)
    S3SigV4Auth(Credentials("key", "secret", token), "s3", "eu-west-1").add_auth(theirs)
    moment = datetime.strptime(theirs.context["timestamp"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    # Over https the oracle leaves the payload unsigned, as we do for parts.
    payload = theirs.headers["X-Amz-Content-SHA256"]
    assert payload in ("UNSIGNED-PAYLOAD", hashlib.sha256(body).hexdigest())
    ours = sign(Unsigned(method, url, payload), Keys("key", "secret", token), "eu-west-1", moment)
    assert ours["Authorization"].replace(",", ", ") == theirs.headers["Authorization"]


def test_secrets_are_not_shown() -> None:
    shown = repr(Keys("key", "secret", "token"))
    assert "secret'" not in shown
    assert "token'" not in shown
