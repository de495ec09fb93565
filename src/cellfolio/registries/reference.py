"""How a user names a package: ``[REGISTRY/]NAMESPACE/NAME[@REVISION][/PATH]``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote

from cellfolio.errors import InvalidReference

_PACKAGE = re.compile(
    r"(?P<name>[\w-]+/[\w-]+)(?:@(?P<revision>[^/@]+))?(?:/(?P<path>.*))?", re.DOTALL
)
_REMOTE = re.compile(r"(?P<registry>(?:s3|gs|az|memory)://[^/]+)/(?P<package>.+)", re.DOTALL)
_QUILT_PLUS = re.compile(r"quilt\+(?P<registry>[a-z0-9]+://[^/#]+)/?#(?P<fields>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Reference:
    """A package, one of its revisions, or a path in it.

    Attributes
    ----------
    registry : str or None
        URI; None stands for the registry in use.
    name : str
        ``namespace/name``.
    revision : str or None
        ``latest``, a top hash or its first digits, or a time; None stands for the latest.
    path : str
        Logical key of a file or folder; empty for the whole package.
    """

    registry: str | None
    name: str
    revision: str | None = None
    path: str = ""

    def __str__(self) -> str:
        registry = f"{self.registry}/" if self.registry else ""
        revision = f"@{self.revision}" if self.revision else ""
        path = f"/{self.path}" if self.path else ""
        return f"{registry}{self.name}{revision}{path}"


def parse_reference(text: str) -> Reference:
    """Read a reference.

    Raises
    ------
    InvalidReference
        Saying what was expected.

    Examples
    --------
    >>> parse_reference("s3://allencell/aics/hipsc@a1b2c3d/fovs")
    Reference(registry='s3://allencell', name='aics/hipsc', revision='a1b2c3d', path='fovs')
    >>> parse_reference("quilt+s3://allencell#package=aics/hipsc@a1b2c3d&path=fovs").path
    'fovs'
    """
    plus = _QUILT_PLUS.fullmatch(text)
    if plus is not None:
        return _parse_quilt_plus(text, plus["registry"], plus["fields"])
    remote = _REMOTE.fullmatch(text)
    match = _PACKAGE.fullmatch(text if remote is None else remote["package"])
    if match is None or (remote is None and "://" in text):
        raise InvalidReference(
            f"{text!r} does not name a package; "
            "expected [REGISTRY/]NAMESPACE/NAME[@REVISION][/PATH]",
            hint="for example aics/cardio or s3://allencell/aics/cardio@latest/fovs",
        )
    return Reference(
        None if remote is None else remote["registry"],
        match["name"],
        match["revision"],
        (match["path"] or "").strip("/"),
    )


def _parse_quilt_plus(text: str, registry: str, fields: str) -> Reference:
    values = parse_qs(fields, keep_blank_values=True)
    package = unquote(values.get("package", [""])[0])
    name, at, revision = package.partition("@")
    if not at:
        name, _, revision = package.partition(":")
    match = _PACKAGE.fullmatch(name)
    if match is None or match["path"] is not None:
        raise InvalidReference(
            f"{text!r} does not name a package; expected quilt+s3://BUCKET#package=NAMESPACE/NAME"
        )
    path = values.get("path", [""])[0].strip("/")
    return Reference(registry, name, revision or None, path)
