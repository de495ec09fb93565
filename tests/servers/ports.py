"""Free ports of the loopback interface."""

import socket
from contextlib import ExitStack

LOOPBACK = "127.0.0.1"


def free_ports(count: int) -> list[int]:
    """Find distinct TCP ports nobody listens on.

    All are held open until the last is found, so the list has no duplicates. Another process
    may still take one before it is used: callers start again with fresh ports.

    Parameters
    ----------
    count
        How many ports.

    Returns
    -------
    list of int
        Ports of 127.0.0.1, in no order.
    """
    with ExitStack() as held:
        ports: list[int] = []
        for _ in range(count):
            listener = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            listener.bind((LOOPBACK, 0))
            ports.append(int(listener.getsockname()[1]))
        return ports
