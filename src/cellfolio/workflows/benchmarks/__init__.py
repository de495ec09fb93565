"""Benchmarks: from a configuration to a folder of tables, figures, a page and a record."""

from cellfolio.workflows.benchmarks.known import (
    BENCHMARKS,
    Configuration,
    example,
    find_benchmark,
    parse_configuration,
    read_configuration,
)
from cellfolio.workflows.benchmarks.running import Evaluation, evaluate

__all__ = [
    "BENCHMARKS",
    "Configuration",
    "Evaluation",
    "evaluate",
    "example",
    "find_benchmark",
    "parse_configuration",
    "read_configuration",
]
