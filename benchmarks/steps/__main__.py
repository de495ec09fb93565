"""Run a step and print one JSON line of what it took.

Seconds of wall and CPU time of the step (imports and set-up left out; processes that it started and
that ended count), and the peak memory of this process alone in MB.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from benchmarks.steps import all_steps


def peak_memory() -> float:
    """Return the peak memory of this process in MB.

    ``ru_maxrss`` would also count the process that started this one.
    """
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmHWM in /proc/self/status")


def cpu_seconds() -> float:
    """Return the CPU seconds of this process, and of those that it started and that ended."""
    taken = os.times()
    return time.process_time() + taken.children_user + taken.children_system


def main() -> None:
    """Run the step named on the command line."""
    name, *arguments = sys.argv[1:]
    # What libraries print must not mix with the result.
    out = os.dup(1)
    os.dup2(2, 1)
    run = all_steps()[name](*arguments)
    wall, cpu = time.perf_counter(), cpu_seconds()
    run()
    result = {
        "wall": time.perf_counter() - wall,
        "cpu": cpu_seconds() - cpu,
        "memory": peak_memory(),
    }
    os.write(out, json.dumps(result).encode() + b"\n")


if __name__ == "__main__":
    main()
