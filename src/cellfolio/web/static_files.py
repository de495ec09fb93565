"""The portal's own scripts, styles and pictures, at addresses that change with their content.

A browser asks for each of them once, and never uses one of another version.
"""

from __future__ import annotations

import hashlib
from functools import cache
from os import PathLike, stat_result
from pathlib import Path

from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER = Path(__file__).parent / "static"
FOREVER = "private, max-age=31536000, immutable"
"""``Cache-Control`` of answers whose address names their content."""


def static_link(name: str = "") -> str:
    """Return the address of a file of ``static/``.

    Examples
    --------
    >>> static_link("portal.css").endswith("/portal.css")
    True
    """
    return f"/static/{read_version(FOLDER)}/{name}"


@cache
def read_version(folder: Path) -> str:
    """Return a word that changes with the names and bytes of a folder's files.

    They are read once: whoever changes a script starts the portal again.
    """
    digest = hashlib.sha256()
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        data = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{len(data)}\0".encode())
        digest.update(data)
    return digest.hexdigest()[:12]


def mount_static() -> Mount:
    """Return the route that answers with them."""
    return Mount(static_link().rstrip("/"), _Lasting(directory=FOLDER))


class _Lasting(StaticFiles):
    def file_response(
        self,
        full_path: str | PathLike[str],
        stat_result: stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        answer = super().file_response(full_path, stat_result, scope, status_code)
        answer.headers["cache-control"] = FOREVER
        return answer
