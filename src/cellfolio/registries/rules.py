"""Workflows: the rules that a registry has for what is pushed to it.

A registry may have ``.quilt/workflows/config.yml``. It names workflows, each of which may ask for
a message, a pattern for package names, and JSON schemas (draft 7) for metadata and entries. The
outcome becomes part of the manifest's header, and so of the top hash.

References
----------
Workflows of quilt3 8.0.0, configuration version 1.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cellfolio.errors import InvalidReference, NotFound, ObjectNotFound, WorkflowViolation
from cellfolio.package.package import Package
from cellfolio.storage.places import local_path, parse_uri
from cellfolio.storage.remote import Remotes

CONFIG_PATH = ".quilt/workflows/config.yml"
DEFAULT = "..."
"""Stands for the registry's default workflow."""
_KNOWN = frozenset(
    (
        "catalog",
        "default_workflow",
        "is_workflow_required",
        "schemas",
        "successors",
        "version",
        "workflows",
    )
)
_KNOWN_RULES = frozenset(
    (
        "catalog",
        "description",
        "entries_schema",
        "handle_pattern",
        "is_message_required",
        "metadata_schema",
        "name",
    )
)
_DRAFT_7 = "http://json-schema.org/draft-07/schema#"


@dataclass(frozen=True, slots=True)
class WorkflowConfig:
    """A registry's workflows.

    Attributes
    ----------
    uri : str
        Where the configuration was read, with its version.
    required : bool
        Whether a package must name a workflow.
    default : str or None
    workflows : mapping
        By name, as the file has them.
    schemas : mapping of str to str
        URI by schema name.
    """

    uri: str
    required: bool
    default: str | None
    workflows: Mapping[str, Mapping[str, Any]]
    schemas: Mapping[str, str] = field(default_factory=dict)


def parse_config(text: bytes, uri: str) -> WorkflowConfig:
    """Read a configuration.

    Raises
    ------
    WorkflowViolation
        If it cannot be understood: a rule that cannot be read must not be passed over.
    """
    import yaml

    try:
        data = yaml.safe_load(text.decode())
        version = data["version"]
        base = version["base"] if isinstance(version, dict) else version
        if not re.fullmatch(r"1(\.0(\.[0-9]+)?|\.1(\.0)?)?", str(base)):
            raise WorkflowViolation(
                f"the workflows of {uri} are of version {base!r}; expected version 1 or 1.1"
            )
        _refuse_unknown(data, _KNOWN, uri)
        for rules in data["workflows"].values():
            _refuse_unknown(rules, _KNOWN_RULES, uri)
        return WorkflowConfig(
            uri,
            bool(data.get("is_workflow_required", True)),
            data.get("default_workflow"),
            {str(name): dict(rules or {}) for name, rules in data["workflows"].items()},
            {str(name): schema["url"] for name, schema in (data.get("schemas") or {}).items()},
        )
    except (
        ValueError,
        RecursionError,
        yaml.YAMLError,
        LookupError,
        TypeError,
        AttributeError,
    ) as error:
        raise WorkflowViolation(
            f"the workflows of {uri} cannot be read: {error!r}", hint="ask the registry's owner"
        ) from None


def _refuse_unknown(fields: Mapping[str, Any], known: frozenset[str], uri: str) -> None:
    unknown = sorted(str(key) for key in fields.keys() - known)
    if unknown:
        raise WorkflowViolation(
            f"the workflows of {uri} have fields that are not known: {', '.join(unknown)}",
            hint="ask the registry's owner: a misspelt rule is no rule",
        )


def read_config(remotes: Remotes, place_uri: str) -> WorkflowConfig | None:
    """Read a registry's configuration; None where it has none."""
    place = parse_uri(place_uri)
    try:
        text, info = remotes.read(place)
    except ObjectNotFound:
        return None
    version = "" if info.version is None else f"?versionId={info.version}"
    return parse_config(text, place_uri + version)


def check_package(
    package: Package,
    name: str,
    config: WorkflowConfig | None,
    workflow: str | None,
    remotes: Remotes,
) -> dict[str, Any] | None:
    """Check a package against a registry's rules.

    Parameters
    ----------
    package : Package
    name : str
    config : WorkflowConfig or None
        None where the registry has no rules.
    workflow : str or None
        Name of a workflow; `DEFAULT` for the registry's default; None for no workflow.
    remotes : Remotes
        To read schemas.

    Returns
    -------
    dict or None
        What goes into the manifest's header as ``workflow``; None where there are no rules.

    Raises
    ------
    WorkflowViolation
        Naming the rule that is broken.
    """
    if config is None:
        if workflow in (DEFAULT, None):
            return None
        raise WorkflowViolation(f"workflow {workflow!r} was named, but the registry has none")
    chosen = config.default if workflow == DEFAULT else workflow
    if chosen is None:
        if config.required:
            raise WorkflowViolation(
                f"{config.uri} wants a workflow; expected one of {', '.join(config.workflows)}",
                hint="name one with workflow=… (--workflow)",
            )
        return {"id": None, "config": config.uri}
    if chosen not in config.workflows:
        raise WorkflowViolation(
            f"{config.uri} has no workflow {chosen!r}; it has {', '.join(config.workflows)}"
        )
    rules = config.workflows[chosen]
    if rules.get("is_message_required") and not package.message:
        raise WorkflowViolation(
            f"workflow {chosen!r} wants a message", hint="say what changed with message=… (-m)"
        )
    pattern = rules.get("handle_pattern")
    try:
        named = not pattern or re.search(pattern, name)
    except (re.error, TypeError) as error:
        raise WorkflowViolation(
            f"workflow {chosen!r} has a handle_pattern that cannot be read: {error}"
        ) from None
    if not named:
        raise WorkflowViolation(f"workflow {chosen!r} wants names like {pattern}, found {name!r}")
    stored: dict[str, Any] = {"id": chosen, "config": config.uri}
    schemas = _check_schemas(package, rules, config, remotes)
    if schemas:
        stored["schemas"] = schemas
    return stored


def _check_schemas(
    package: Package, rules: Mapping[str, Any], config: WorkflowConfig, remotes: Remotes
) -> dict[str, str]:
    used: dict[str, str] = {}
    if schema_id := rules.get("metadata_schema"):
        schema, used[schema_id] = _load_schema(schema_id, config, remotes)
        _validate(dict(package.meta), schema, "metadata", schema_id)
    if schema_id := rules.get("entries_schema"):
        schema, used[schema_id] = _load_schema(schema_id, config, remotes)
        entries = [
            {"logical_key": entry.logical_key, "size": entry.size, "meta": dict(entry.user_meta)}
            for entry in package.walk()
        ]
        _validate(entries, schema, "entries", schema_id)
    return used


def _load_schema(schema_id: str, config: WorkflowConfig, remotes: Remotes) -> tuple[Any, str]:
    uri = config.schemas.get(schema_id)
    if uri is None:
        raise WorkflowViolation(f"{config.uri} names a schema {schema_id!r} that it does not have")
    if local_path(uri) is not None and local_path(config.uri) is None:
        raise WorkflowViolation(f"schema {schema_id!r} is a local file of a remote registry: {uri}")
    try:
        text, info = remotes.read(parse_uri(uri))
        schema = json.loads(text, object_hook=_refuse_references)
    except (NotFound, InvalidReference, ValueError, RecursionError) as error:
        raise WorkflowViolation(f"schema {schema_id!r} at {uri} cannot be read: {error}") from None
    if isinstance(schema, dict) and schema.get("$schema", _DRAFT_7) != _DRAFT_7:
        raise WorkflowViolation(f"schema {schema_id!r} is not JSON Schema draft 7")
    known = info.version is None or "versionId=" in uri
    return schema, uri if known else f"{uri}?versionId={info.version}"


def _refuse_references(value: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in value:
        raise ValueError("it holds $ref, which workflows do not allow")
    return value


def _validate(value: Any, schema: Any, what: str, schema_id: str) -> None:
    import jsonschema

    try:
        jsonschema.Draft7Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise WorkflowViolation(
            f"schema {schema_id!r} is not a valid schema: {error.message}"
        ) from None
    problem = next(iter(jsonschema.Draft7Validator(schema).iter_errors(value)), None)
    if problem is not None:
        where = "/".join(str(part) for part in problem.absolute_path) or "the top"
        raise WorkflowViolation(f"{what} break schema {schema_id!r} at {where}: {problem.message}")
