"""The test servers do what the other tests rely on."""

import hashlib
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import obstore
import pytest
import urllib3
from obstore.exceptions import (
    AlreadyExistsError,
    GenericError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)
from obstore.store import S3Store

from tests.servers.faults import (
    Answer,
    Before,
    Cut,
    Delay,
    FaultProxy,
    Flip,
    Lose,
    On,
    Silent,
    Stall,
    Throttle,
    Truncate,
)
from tests.servers.ports import free_ports
from tests.servers.seaweed import SeaweedFailed, SeaweedServer

BODY = os.urandom(300_000)


def store_of(
    bucket: str, endpoint: str, server: SeaweedServer, *, retries: int = 0, sign: bool = True
) -> S3Store:
    return S3Store(
        bucket,
        endpoint=endpoint,
        region="us-east-1",
        access_key_id=server.access_key,
        secret_access_key=server.secret_key,
        skip_signature=not sign,
        client_options={"allow_http": True, "timeout": "20s"},
        retry_config={
            "max_retries": retries,
            "retry_timeout": timedelta(seconds=20),
            "backoff": {
                "init_backoff": timedelta(milliseconds=10),
                "max_backoff": timedelta(milliseconds=50),
                "base": 2,
            },
        },
    )


@pytest.fixture
def url(s3: SeaweedServer, bucket: str, fault_proxy: FaultProxy) -> str:
    """Address of a stored object, through the proxy; anyone may read it."""
    obstore.put(store_of(bucket, s3.endpoint, s3), "a/object", BODY)
    return f"{fault_proxy.endpoint}/{bucket}/a/object"


def fetch(url: str, start: int | None = None, stop: int | None = None) -> bytes:
    span = {} if start is None or stop is None else {"Range": f"bytes={start}-{stop - 1}"}
    with urllib3.PoolManager(retries=False) as http:
        answer = http.request("GET", url, headers=span)
        assert answer.status == (206 if span else 200), answer.data
        return answer.data


class TestSeaweed:
    def test_bytes_come_back_whole_and_in_ranges(self, s3: SeaweedServer, bucket: str) -> None:
        store = store_of(bucket, s3.endpoint, s3)
        put = obstore.put(store, "plate 1/µ.bin", BODY, use_multipart=False)
        assert put["e_tag"] == f'"{hashlib.md5(BODY).hexdigest()}"'
        assert bytes(obstore.get(store, "plate 1/µ.bin").bytes()) == BODY
        assert bytes(obstore.get_range(store, "plate 1/µ.bin", start=7, end=99)) == BODY[7:99]
        assert [meta["path"] for meta in obstore.list(store).collect()] == ["plate 1/µ.bin"]

    def test_conditional_puts_are_refused_when_the_condition_fails(
        self, s3: SeaweedServer, bucket: str, versioned_bucket: str
    ) -> None:
        for name in (bucket, versioned_bucket):
            store = store_of(name, s3.endpoint, s3)
            first = obstore.put(store, "key", b"1", mode="create")
            with pytest.raises(AlreadyExistsError):
                obstore.put(store, "key", b"2", mode="create")
            obstore.put(store, "key", b"3", mode={"e_tag": first["e_tag"]})
            with pytest.raises(PreconditionError):
                obstore.put(store, "key", b"4", mode={"e_tag": first["e_tag"]})
            assert bytes(obstore.get(store, "key").bytes()) == b"3"

    def test_a_versioned_bucket_keeps_old_bytes(
        self, s3: SeaweedServer, versioned_bucket: str
    ) -> None:
        store = store_of(versioned_bucket, s3.endpoint, s3)
        first = obstore.put(store, "key", b"one")
        second = obstore.put(store, "key", b"two")
        assert first["version"] not in (None, second["version"])
        old = obstore.get(store, "key", options={"version": first["version"]})
        assert bytes(old.bytes()) == b"one"
        obstore.delete(store, "key")
        with pytest.raises(FileNotFoundError):
            obstore.head(store, "key")
        old = obstore.get(store, "key", options={"version": first["version"]})
        assert bytes(old.bytes()) == b"one"

    def test_anyone_may_read_and_list_but_not_write(self, s3: SeaweedServer, bucket: str) -> None:
        obstore.put(store_of(bucket, s3.endpoint, s3), "key", b"1")
        anyone = store_of(bucket, s3.endpoint, s3, sign=False)
        assert bytes(obstore.get(anyone, "key").bytes()) == b"1"
        assert len(obstore.list(anyone).collect()) == 1
        with pytest.raises((PermissionDeniedError, UnauthenticatedError)):
            obstore.put(anyone, "key", b"2")

    def test_the_environment_is_enough_for_clients(
        self, s3: SeaweedServer, bucket: str, s3_env: dict[str, str]
    ) -> None:
        assert s3_env["AWS_ENDPOINT_URL"] == s3.endpoint
        store = S3Store(bucket)
        obstore.put(store, "key", b"1")
        assert obstore.head(store, "key")["size"] == 1

    def test_two_servers_run_side_by_side_and_leave_nothing(self, s3: SeaweedServer) -> None:
        with SeaweedServer(anonymous_write=True) as other:
            assert other.endpoint != s3.endpoint
            folder, pid = other._folder, other.pid
            other.create_bucket("open")
            obstore.put(store_of("open", other.endpoint, other, sign=False), "key", b"1")
        assert not folder.exists()
        assert not Path("/proc", str(pid)).exists()

    def test_a_server_that_cannot_start_says_why(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tests.servers.seaweed.weed_binary", lambda: Path("/bin/false"))
        with pytest.raises(SeaweedFailed, match="weed exited with 1"), SeaweedServer():
            pass

    def test_free_ports_are_distinct(self) -> None:
        assert len(set(free_ports(50))) == 50


class TestFaults:
    def test_without_faults_signed_requests_pass_both_ways(
        self, s3: SeaweedServer, bucket: str, fault_proxy: FaultProxy
    ) -> None:
        store = store_of(bucket, fault_proxy.endpoint, s3)
        obstore.put(store, "big", BODY * 20, chunk_size=5 * 2**20)
        assert bytes(obstore.get(store, "big").bytes()) == BODY * 20
        assert [meta["size"] for meta in obstore.list(store).collect()] == [len(BODY) * 20]
        assert fault_proxy.count("PUT", "partNumber") == 2
        assert fault_proxy.bytes_sent("/big") >= len(BODY) * 20
        assert sum(r.bytes_received for r in fault_proxy.requests) >= len(BODY) * 20

    def test_boto3_uploads_pass(
        self, s3: SeaweedServer, bucket: str, fault_proxy: FaultProxy
    ) -> None:
        through = SeaweedServer(access_key=s3.access_key, secret_key=s3.secret_key)
        through.endpoint = fault_proxy.endpoint
        client = through.client()
        client.put_object(Bucket=bucket, Key="key", Body=BODY)
        assert client.get_object(Bucket=bucket, Key="key")["Body"].read() == BODY
        client.close()

    def test_requests_are_recorded(self, url: str, fault_proxy: FaultProxy) -> None:
        fetch(url, 10, 20)
        (request,) = fault_proxy.requests
        assert (request.method, request.range, request.status) == ("GET", "bytes=10-19", 206)
        assert request.path.endswith("/a/object")
        assert request.bytes_sent == 10
        fault_proxy.reset()
        assert fault_proxy.count() == 0

    def test_cut(self, url: str, fault_proxy: FaultProxy) -> None:
        fault_proxy.add(Cut(after=1000, times=1))
        with pytest.raises(urllib3.exceptions.ProtocolError):
            fetch(url)
        assert fault_proxy.bytes_sent() == 1000
        assert fetch(url) == BODY

    def test_cut_of_an_upload_leaves_no_object(
        self, s3: SeaweedServer, bucket: str, fault_proxy: FaultProxy
    ) -> None:
        store = store_of(bucket, fault_proxy.endpoint, s3)
        fault_proxy.add(Cut(after=1000, times=1, when=On("PUT")))
        with pytest.raises(GenericError):
            obstore.put(store, "key", BODY, use_multipart=False)
        with pytest.raises(FileNotFoundError):
            obstore.head(store, "key")

    def test_a_lost_answer_leaves_the_object(
        self, s3: SeaweedServer, bucket: str, fault_proxy: FaultProxy
    ) -> None:
        store = store_of(bucket, fault_proxy.endpoint, s3)
        fault_proxy.add(Lose(times=1, when=On("PUT")))
        with pytest.raises(GenericError):
            obstore.put(store, "key", b"1")
        assert obstore.head(store, "key")["size"] == 1

    @pytest.mark.parametrize(
        ("status", "error"),
        [(404, FileNotFoundError), (403, PermissionDeniedError), (503, GenericError)],
    )
    def test_answers(
        self,
        s3: SeaweedServer,
        bucket: str,
        url: str,
        fault_proxy: FaultProxy,
        status: int,
        error: type[Exception],
    ) -> None:
        fault_proxy.add(Answer(status=status, times=1, when=On(contains="/a/object")))
        store = store_of(bucket, fault_proxy.endpoint, s3)
        with pytest.raises(error):
            obstore.get(store, "a/object")
        assert fault_proxy.requests[-1].status == status
        assert obstore.get(store, "a/object").bytes() == BODY

    def test_chance_depends_on_seed_and_path_only(self) -> None:
        def statuses() -> list[int]:
            with (
                FaultProxy("http://127.0.0.1:1", Answer(status=503, chance=0.5, seed=3)) as proxy,
                urllib3.PoolManager(retries=False) as http,
            ):
                proxy.add(Answer(status=404))
                return [http.request("GET", f"{proxy.endpoint}/{n}").status for n in range(40)]

        first = statuses()
        assert first == statuses()
        assert 10 < first.count(503) < 30

    def test_silent(self, url: str, fault_proxy: FaultProxy) -> None:
        fault_proxy.add(Silent(seconds=30, times=1))
        with (
            urllib3.PoolManager(retries=False, timeout=0.2) as http,
            pytest.raises(urllib3.exceptions.ReadTimeoutError),
        ):
            http.request("GET", url)
        assert fault_proxy.requests[-1].status == 0

    def test_stall(self, url: str, fault_proxy: FaultProxy) -> None:
        fault_proxy.add(Stall(after=5000, seconds=0.3, times=1))
        start = time.monotonic()
        assert fetch(url) == BODY
        assert time.monotonic() - start > 0.3

    def test_flips_are_at_the_same_place_in_ranges(self, url: str, fault_proxy: FaultProxy) -> None:
        fault_proxy.add(Flip(at=99_998, count=4))
        got = fetch(url)
        wrong = [i for i in range(len(BODY)) if got[i] != BODY[i]]
        assert wrong == [99_998, 99_999, 100_000, 100_001]
        assert len(got) == len(BODY)
        assert fetch(url, 100_000, 100_010) == got[100_000:100_010]
        assert fetch(url, 0, 10) == BODY[:10]

    def test_truncate_is_consistent(
        self, s3: SeaweedServer, bucket: str, url: str, fault_proxy: FaultProxy
    ) -> None:
        fault_proxy.add(Truncate(size=1000))
        store = store_of(bucket, fault_proxy.endpoint, s3)
        assert obstore.head(store, "a/object")["size"] == 1000
        assert obstore.get(store, "a/object").bytes() == BODY[:1000]
        assert obstore.get_range(store, "a/object", start=900, end=2000) == BODY[900:1000]
        with pytest.raises(GenericError, match="416"):
            obstore.get_range(store, "a/object", start=1000, end=2000)

    def test_delays_run_side_by_side(self, url: str, fault_proxy: FaultProxy) -> None:
        fault_proxy.add(Delay(seconds=0.3))
        start = time.monotonic()
        with ThreadPoolExecutor(20) as pool:
            assert all(got == BODY[:9] for got in pool.map(lambda _: fetch(url, 0, 9), range(20)))
        assert 0.3 < time.monotonic() - start < 3
        assert fault_proxy.peak == 20

    def test_throttle(self, url: str, fault_proxy: FaultProxy) -> None:
        fault_proxy.add(Throttle(rate=1_000_000))
        start = time.monotonic()
        assert fetch(url) == BODY
        assert 0.28 < time.monotonic() - start < 2

    def test_before_changes_the_object_between_two_requests(
        self, s3: SeaweedServer, bucket: str, url: str, fault_proxy: FaultProxy
    ) -> None:
        direct = store_of(bucket, s3.endpoint, s3)
        fault_proxy.add(Before(number=2, action=lambda: obstore.put(direct, "a/object", b"new")))
        assert fetch(url) == BODY
        assert fetch(url) == b"new"

    def test_an_error_of_an_action_reaches_the_test(self) -> None:
        def fail() -> None:
            raise KeyError("action")

        with (
            pytest.raises(KeyError, match="action"),
            FaultProxy("http://127.0.0.1:1", Before(number=1, action=fail)) as proxy,
            pytest.raises(urllib3.exceptions.ProtocolError),
        ):
            fetch(proxy.endpoint)

    def test_predicates_and_times_choose_requests(self, url: str, fault_proxy: FaultProxy) -> None:
        fault_proxy.add(Answer(status=503, times=1, when=On("HEAD")))
        with urllib3.PoolManager(retries=False) as http:
            assert http.request("GET", url).status == 200
            assert [http.request("HEAD", url).status for _ in range(2)] == [503, 200]
        fault_proxy.clear()
        fault_proxy.add(Answer(status=503))
        fault_proxy.clear()
        assert fetch(url) == BODY

    def test_it_stops_at_once_while_connections_wait(self, s3: SeaweedServer) -> None:
        with FaultProxy(s3.endpoint, Silent(seconds=60)) as proxy:
            waiting = threading.Thread(target=_ignore, args=(proxy.endpoint,))
            waiting.start()
            while not proxy.requests:
                time.sleep(0.01)
            start = time.monotonic()
        assert time.monotonic() - start < 1
        waiting.join(5)
        assert not waiting.is_alive()


def _ignore(url: str) -> None:
    with urllib3.PoolManager(retries=False) as http, pytest.raises(urllib3.exceptions.HTTPError):
        http.request("GET", url)
