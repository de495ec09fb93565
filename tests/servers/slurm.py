"""A SLURM of one node on loopback: a controller and a node in their own processes and folder.

Programs are those of Debian's packages slurmctld, slurmd, slurm-client and munge. Nothing of the
machine's own configuration is used, so any number may run side by side.
"""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.servers.ports import LOOPBACK, free_ports

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scancel", "sinfo", "squeue")
QUEUE = "short"
_START = 60.0
"""Seconds until the node takes jobs."""
_STOP = 20.0
_CONFIGURATION = """
ClusterName=cells
SlurmctldHost={host}({loopback})
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser={user}
SlurmdUser={user}
AuthInfo=socket={folder}/munge.socket
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
MailProg=/bin/true
NodeName={host} NodeAddr={loopback} CPUs=8 RealMemory=1000000
PartitionName={queue} Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""
"""The node says it has more cores and memory than it has: jobs are as large as on a real one."""


class SlurmFailed(RuntimeError):
    """The node took no jobs in time; the message ends with the logs."""


def missing() -> str:
    """Say what this machine lacks for SLURM; empty if nothing."""
    lacking = [name for name in PROGRAMS if _program(name) is None]
    if lacking:
        return f"SLURM is not installed ({', '.join(lacking)})"
    try:
        address = socket.gethostbyname(_host())
    except OSError:
        address = "nothing"
    if not address.startswith("127."):  # SLURM listens where the name of the machine leads
        return f"the name of this machine, {_host()}, leads to {address}; SLURM would listen there"
    return ""


@contextmanager
def slurm() -> Iterator[Path]:
    """Start SLURM; give the configuration that ``SLURM_CONF`` should name.

    Raises
    ------
    SlurmFailed
    """
    with ExitStack() as stack:
        # Not pytest's folder: the name of a socket has 107 characters at most.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slurm-")))
        configuration = _configure(folder)
        for command in (
            _munged(folder),
            ["slurmctld", "-D", "-f", str(configuration)],
            ["slurmd", "-D", "-f", str(configuration)],
        ):
            stack.enter_context(_running(command, folder))
        _wait(configuration)
        yield configuration


def _configure(folder: Path) -> Path:
    for name in ("state", "spool"):
        (folder / name).mkdir()
    key = folder / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o600)
    controller_port, node_port = free_ports(2)
    found = folder / "slurm.conf"
    found.write_text(
        _CONFIGURATION.format(
            host=_host(),
            loopback=LOOPBACK,
            controller_port=controller_port,
            node_port=node_port,
            user=getpass.getuser(),
            folder=folder,
            queue=QUEUE,
        )
    )
    return found


def _munged(folder: Path) -> list[str]:
    names = {"key-file": "key", "log-file": "log", "pid-file": "pid", "seed-file": "seed"}
    return [
        *("munged", "--foreground", "--force", f"--origin={LOOPBACK}"),
        f"--socket={folder}/munge.socket",
        *(f"--{option}={folder}/munge.{name}" for option, name in names.items()),
    ]


@contextmanager
def _running(command: list[str], folder: Path) -> Iterator[None]:
    program = _program(command[0])
    with (folder / f"{command[0]}.out").open("wb") as out:
        process = subprocess.Popen(
            [str(program), *command[1:]], stdout=out, stderr=out, start_new_session=True
        )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(_STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(configuration: Path) -> None:
    deadline = time.monotonic() + _START
    own = {**os.environ, "SLURM_CONF": str(configuration)}
    while time.monotonic() < deadline:
        told = subprocess.run(
            ["sinfo", "--noheader", "--format=%T"],
            capture_output=True,
            text=True,
            env=own,
            check=False,  # the controller may not be there yet
        )
        if told.stdout.strip() == "idle":
            return
        time.sleep(0.2)
    logs = "\n".join(
        path.read_text(errors="replace")[-2000:]
        for path in sorted(configuration.parent.glob("*.out"))
    )
    raise SlurmFailed(f"the node takes no jobs after {_START:.0f} s:\n{logs}")


def _host() -> str:
    return socket.gethostname().partition(".")[0]


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
