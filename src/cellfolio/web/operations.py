"""What programs can ask: an operation is a value, from which route and description are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from cellfolio.errors import InvalidArgument

_NAMES = {str: "string", int: "integer", float: "number", bool: "boolean"}
_TRUTH = {"true": True, "1": True, "": True, "false": False, "0": False}

Values = Mapping[str, Any]
"""Parameters of a request by name, of their kinds."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of an operation, after the ``?``.

    Attributes
    ----------
    name, about : str
    kind : type
        str, int, float or bool.
    default : object
        Its value where a request has none.
    lowest, highest : float or None
        Of numbers.
    choices : tuple of str
        All that a text may be; empty for any.
    several : bool
        Whether it may be there several times; its value is then a tuple.
    """

    name: str
    about: str
    kind: type = str
    default: object = None
    lowest: float | None = None
    highest: float | None = None
    choices: tuple[str, ...] = ()
    several: bool = False

    def read(self, text: str) -> Any:
        """Return the value that a text stands for.

        Raises
        ------
        InvalidArgument
            If it is of another kind, or out of bounds.

        Examples
        --------
        >>> Parameter("z", "Plane.", int, 0, lowest=0).read("7")
        7
        """
        try:
            value = _TRUTH[text.lower()] if self.kind is bool else self.kind(text)
        except (KeyError, ValueError):
            expected = _NAMES[self.kind]
            raise InvalidArgument(f"{self.name}: expected a {expected}, found {text!r}") from None
        if self.choices and value not in self.choices:
            raise InvalidArgument(
                f"{self.name}: expected one of {', '.join(self.choices)}, found {text!r}"
            )
        above = self.lowest is None or (self.kind is str or value >= self.lowest)
        below = self.highest is None or (self.kind is str or value <= self.highest)
        if not (above and below):
            bounds = f"{_bound(self.lowest)} to {_bound(self.highest)}"
            raise InvalidArgument(f"{self.name}: expected {bounds}, found {text}")
        return value

    def document(self) -> dict[str, Any]:
        """Return its description, as OpenAPI has it."""
        schema: dict[str, Any] = {"type": _NAMES[self.kind]}
        for name, fact in (("minimum", self.lowest), ("maximum", self.highest)):
            if fact is not None:
                schema[name] = fact
        if self.choices:
            schema["enum"] = list(self.choices)
        if self.default is not None:
            schema["default"] = self.default
        if self.several:
            schema = {"type": "array", "items": schema}
        return {"name": self.name, "in": "query", "description": self.about, "schema": schema}


def _bound(number: float | None) -> str:
    return "any" if number is None else f"{number:g}"


def read_values(parameters: Sequence[Parameter], request: Request) -> Values:
    """Return the parameters of a request.

    Raises
    ------
    InvalidArgument
        If one is not what it should be, or none of the operation's.
    """
    known = {one.name: one for one in parameters}
    for name in request.query_params:
        if name not in known:
            raise InvalidArgument(
                f"unknown parameter {name!r}",
                hint=f"known are {', '.join(sorted(known)) or 'none'}",
            )
    values: dict[str, Any] = {}
    for name, one in known.items():
        texts = request.query_params.getlist(name)
        if one.several:
            values[name] = tuple(one.read(text) for text in texts)
        else:
            values[name] = one.read(texts[-1]) if texts else one.default
    return values


@dataclass(frozen=True, slots=True)
class Operation:
    """Something that programs can ask.

    Attributes
    ----------
    path : str
        Such as ``/api/bytes/{reference:path}``.
    about : str
        What the answer is; the first line is its title.
    answer : callable
        Given the request and its parameters, returns the response.
    parameters : tuple of Parameter
    media : str
        Kind of the answer.
    changes : bool
        Whether it changes something, and so is only for POST.
    """

    path: str
    about: str
    answer: Callable[[Request, Values], Response]
    parameters: tuple[Parameter, ...] = ()
    media: str = "application/json"
    changes: bool = False

    def respond(self, request: Request) -> Response:
        """Return the answer to a request."""
        return self.answer(request, read_values(self.parameters, request))

    def document(self) -> dict[str, Any]:
        """Return its description, as OpenAPI has it."""
        title, _, more = self.about.partition("\n")
        parameters = [one.document() for one in self.parameters]
        if "{reference" in self.path:
            parameters.insert(0, _REFERENCE)
        answers = {"200": {"description": title, "content": {self.media: {}}}, **_FAILURES}
        about = {"summary": title, "description": more.strip()}
        return {**about, "parameters": parameters, "responses": answers}


_REFERENCE = {
    "name": "reference",
    "in": "path",
    "required": True,
    "description": "NAMESPACE/NAME[@REVISION][/PATH]; slashes stay as they are",
    "schema": {"type": "string"},
}
_FAILURE = {"application/json": {"schema": {"$ref": "#/components/schemas/Failure"}}}
_FAILURES = {
    "4XX": {"description": "What is wrong with the request.", "content": _FAILURE},
    "5XX": {"description": "What went wrong here, or at the source.", "content": _FAILURE},
}


def describe(operations: Sequence[Operation], version: str) -> dict[str, Any]:
    """Return the description of all operations, as OpenAPI 3.1 has it."""
    texts = {name: {"type": "string"} for name in ("error", "hint")}
    failure = {"type": "object", "properties": texts, "required": list(texts)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "cellfolio portal", "version": version},
        "paths": {
            one.path.replace("{reference:path}", "{reference}"): {
                "post" if one.changes else "get": one.document()
            }
            for one in operations
        },
        "components": {"schemas": {"Failure": failure}},
    }
