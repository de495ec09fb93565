"""Jobs of SLURM that are workers of Dask: submitted by dask-jobqueue, and looked after here.

dask-jobqueue gives no account of jobs that SLURM refuses or ends, so who asked would wait for ever.
"""

from __future__ import annotations

import getpass
import shutil
import subprocess
from dataclasses import dataclass
from typing import Any

from cellfolio.errors import InvalidArgument, NotFound, ServerUnreachable
from cellfolio.extras import importing

_PATIENCE = 60.0
"""Seconds that SLURM may take to say which jobs it has."""
_LEAST = 500e6
"""Bytes of memory without which Dask ends a worker when it has imported what it needs, and starts
it again, for ever. One that measured sites of 256 × 256 pixels took 342 MB."""
_SETTINGS = "~/.config/dask/jobqueue.yaml"


@dataclass(frozen=True, slots=True)
class SlurmJobs:
    """A cluster of Dask whose workers are jobs of SLURM.

    Attributes
    ----------
    cluster : dask_jobqueue.SLURMCluster
    submitted : list of str
        Numbers of the jobs that SLURM took.
    refused : list of str
        Why it did not take others.
    """

    cluster: Any
    submitted: list[str]
    refused: list[str]

    def check(self) -> None:
        """Look whether a worker may still come; call it while there is none.

        Raises
        ------
        InvalidArgument
            If SLURM refused every job.
        ServerUnreachable
            If those it took have all ended.
        """
        if len(self.submitted) + len(self.refused) < len(self.cluster.worker_spec):
            return
        if not self.submitted:
            raise InvalidArgument(
                f"SLURM refused every job: {self.refused[0]}",
                hint=f"mend jobqueue.slurm in {_SETTINGS}",
            )
        if not _have_ended(self.submitted):
            return
        raise ServerUnreachable(
            f"the jobs of SLURM have all ended: {', '.join(self.submitted[:8])}",
            hint="slurm-NUMBER.out tells why (or the folder jobqueue.slurm.log-directory); "
            "run it again: what is finished is not done again",
        )


def slurm_jobs(count: int) -> SlurmJobs:
    """Submit jobs for so many workers, each process with one thread.

    Raises
    ------
    InvalidArgument
        If the user's configuration does not tell cores and memory of a job, or gives a worker too
        little memory to begin.
    NotFound
        If jobs cannot be submitted here.
    """
    with importing("dask_jobqueue", extra="dask", what="working on Dask"):
        from dask_jobqueue.slurm import SLURMCluster, SLURMJob
        from distributed.core import Status

    processes = _workers_of_a_job()
    if shutil.which("sbatch") is None:
        raise NotFound(
            "there is no command sbatch here, which submits jobs of SLURM",
            hint="start it where jobs are submitted, such as a login node",
        )
    submitted: list[str] = []
    refused: list[str] = []

    class Told(SLURMJob):  # type: ignore[misc]  # the library has no types
        async def start(self) -> None:
            try:
                await super().start()
            except (OSError, RuntimeError, ValueError) as error:
                refused.append(_reason(str(error)))
                self.status = Status.running  # or the cluster prints a traceback
            else:
                submitted.append(self.job_id)

    cluster = SLURMCluster(job_cls=Told, processes=processes)
    cluster.scale(n=count)
    return SlurmJobs(cluster, submitted, refused)


def _workers_of_a_job() -> int:
    import dask
    from dask.utils import parse_bytes

    told = {
        name: dask.config.get(f"jobqueue.slurm.{name}", None)
        for name in ("cores", "memory", "processes")
    }
    for name in ("cores", "memory"):
        if told[name] is None:
            raise InvalidArgument(
                f"jobs of SLURM are not configured: {name} of a job is not told",
                hint=f"tell jobqueue.slurm.{name} in {_SETTINGS}",
            )
    processes = int(told["processes"] or told["cores"])
    each = parse_bytes(told["memory"]) / processes
    if each < _LEAST:
        raise InvalidArgument(
            f"a job of SLURM has {told['memory']} for {processes} workers, {each / 1e6:.0f} MB for "
            f"each; expected {_LEAST / 1e6:.0f} MB at least",
            hint=f"raise jobqueue.slurm.memory in {_SETTINGS}, or lower processes",
        )
    return processes


def _reason(told: str) -> str:
    """Return what sbatch wrote, of what dask-jobqueue tells."""
    return " ".join((told.partition("stderr:\n")[2] or told).split())


def _have_ended(jobs: list[str]) -> bool:
    """Say whether none of the user's jobs waits or runs; not so if SLURM does not answer."""
    command = ["squeue", "--noheader", "--format=%A", f"--user={getpass.getuser()}"]
    try:
        told = subprocess.run(
            command, capture_output=True, text=True, timeout=_PATIENCE, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return set(told.stdout.split()).isdisjoint(jobs)
