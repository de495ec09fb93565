"""Linear algebra in one thread, so that results and times do not depend on what else runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from threadpoolctl import threadpool_limits

P = ParamSpec("P")
R = TypeVar("R")


def one_thread(function: Callable[P, R]) -> Callable[P, R]:
    """Let BLAS and LAPACK have one thread while a function runs.

    Their threads wait for each other without sleeping. On a machine with other work, a plate was
    sphered in 1.1 s with one thread, and in 7 to 24 s with two. How many there are also changes
    the last bits of sums. Plates are worked on side by side in processes.

    Examples
    --------
    >>> from threadpoolctl import threadpool_info
    >>> one_thread(lambda: {one["num_threads"] for one in threadpool_info()})()
    {1}
    """

    @wraps(function)
    def limited(*arguments: P.args, **options: P.kwargs) -> R:
        with threadpool_limits(1, user_api="blas"):
            return function(*arguments, **options)

    return limited
