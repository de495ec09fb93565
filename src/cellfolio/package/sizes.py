"""Numbers of bytes, for people: said alike by errors, the command line and notebooks."""

from __future__ import annotations


def format_size(size: float) -> str:
    """Return a number of bytes for people, in powers of 1000.

    Examples
    --------
    >>> format_size(0), format_size(1500), format_size(124_165_540_260)
    ('0 B', '1.5 kB', '124.2 GB')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if abs(size) < 999.5:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
