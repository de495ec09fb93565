"""A registry's workflows: our stamp is quilt3's, and what breaks a rule is not published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from cellfolio.errors import WorkflowViolation
from cellfolio.registries.publish import Pushed, push
from cellfolio.registries.quilt import QuiltRegistry
from cellfolio.registries.rules import DEFAULT
from tests.registries import quilt3_side
from tests.registries.peer import Peer
from tests.registries.samples import SMALL, Publisher, make_package, read_files
from tests.servers.seaweed import SeaweedServer

NAME = "cells/plate-1"
METADATA_SCHEMA = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "required": ["author"],
    "properties": {"author": {"type": "string"}, "plates": {"type": "integer", "minimum": 1}},
}
ENTRIES_SCHEMA = {
    "type": "array",
    "contains": {"type": "object", "properties": {"logical_key": {"const": "README.md"}}},
    "items": {
        "type": "object",
        "properties": {
            "logical_key": {"pattern": "^[^ ]*$"},
            "size": {"type": "integer", "maximum": 5000},
            "meta": {"type": "object", "properties": {"rows": {"type": "integer"}}},
        },
        "required": ["logical_key", "size", "meta"],
    },
}


def _rules(registry: str, **changes: Any) -> dict[str, Any]:
    return {
        "version": {"base": "1", "catalog": "1"},
        "default_workflow": "strict",
        "workflows": {
            "strict": {
                "name": "Strict",
                "description": "All rules at once",
                "handle_pattern": "^cells/",
                "metadata_schema": "about",
                "entries_schema": "files",
                "is_message_required": True,
            },
            "about-only": {"name": "Metadata", "metadata_schema": "about"},
            "loose": {"name": "Loose"},
        },
        "schemas": {
            "about": {"url": f"{registry}/schemas/about%20it.json"},
            "files": {"url": f"{registry}/schemas/files.json"},
        },
        **changes,
    }


def _publish_rules(s3: SeaweedServer, registry: str, rules: dict[str, Any] | str) -> None:
    text = rules if isinstance(rules, str) else yaml.safe_dump(rules)
    _put(s3, registry, ".quilt/workflows/config.yml", text)
    _put(s3, registry, "schemas/about it.json", json.dumps(METADATA_SCHEMA))
    _put(s3, registry, "schemas/files.json", json.dumps(ENTRIES_SCHEMA))


def _put(s3: SeaweedServer, registry: str, key: str, text: str) -> None:
    if registry.startswith("file:"):
        path = Path(registry.removeprefix("file://")) / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return
    client = s3.client()
    client.put_object(Bucket=registry.removeprefix("s3://"), Key=key, Body=text.encode())
    client.close()


def _keys(s3: SeaweedServer, registry: str) -> list[str]:
    client = s3.client()
    listed = client.list_objects_v2(Bucket=registry.removeprefix("s3://"))["Contents"]
    client.close()
    return [one["Key"] for one in listed]


def _push(
    who: Publisher, registry: str, content: quilt3_side.Content, name: str, workflow: str | None
) -> Pushed:
    package = make_package(
        Path(content.folder),
        who.home,
        meta=content.meta,
        message=content.message,
        entry_meta=content.entry_meta,
    )
    registry_there = QuiltRegistry(registry, who.home)
    return push(package.named(name), registry_there, who.home, workflow=workflow)


ABOUT = {"author": "Ada", "plates": 2}


@pytest.mark.parametrize("workflow", [DEFAULT, "strict", "about-only", "loose", None])
def test_stamp_and_top_hash_are_those_of_quilt3(
    quilt3: Peer, s3: SeaweedServer, registry: str, ada: Publisher, workflow: str | None
) -> None:
    _publish_rules(s3, registry, _rules(registry, is_workflow_required=False))
    content = quilt3_side.Content(str(ada.folder(SMALL)), ABOUT, "m", {"table.csv": {"rows": 2}})
    ours = _push(ada, registry, content, NAME, workflow).package
    theirs = quilt3.ask(
        quilt3_side.push,
        registry,
        "cells/theirs",
        content,
        workflow=... if workflow == DEFAULT else workflow,
    )
    assert ours.header == theirs.header
    assert ours.workflow is not None
    assert ours.workflow["id"] == ("strict" if workflow == DEFAULT else workflow)
    assert ours.top_hash == theirs.top_hash


def test_registries_in_folders_have_workflows_too(
    quilt3: Peer, s3: SeaweedServer, ada: Publisher, tmp_path: Path
) -> None:
    registry = (tmp_path / "registry").as_uri()
    _publish_rules(s3, registry, _rules(registry))
    content = quilt3_side.Content(str(ada.folder(SMALL)), ABOUT, "m")
    top_hash = quilt3.ask(quilt3_side.build, registry, "cells/theirs", content)
    theirs = quilt3.ask(quilt3_side.browse, registry, "cells/theirs")
    ours = _push(ada, registry, content, NAME, DEFAULT).package
    assert ours.header == theirs.header
    assert ours.top_hash == top_hash


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"message": None}, "workflow 'strict' wants a message"),
        ({"message": ""}, "workflow 'strict' wants a message"),
        ({"meta": {}}, "metadata break schema 'about' at the top: 'author' is a required"),
        ({"meta": None}, "metadata break schema 'about' at the top: 'author' is a required"),
        ({"meta": {"author": "A", "plates": 0}}, "break schema 'about' at plates: 0 is less"),
        ({"entry_meta": {"table.csv": {"rows": "2"}}}, "break schema 'files' at 3/meta/rows: '2'"),
        ({"files": {"a b": b"", "README.md": b""}}, "entries break schema 'files' at 1/logical_k"),
        ({"files": {"README.md": b" " * 5001}}, "entries break schema 'files' at 0/size: 5001"),
        ({"files": {"a": b""}}, "entries break schema 'files' at the top: "),
        ({"name": "others/plate"}, "workflow 'strict' wants names like .* found 'others/plate'"),
        ({"workflow": "none"}, "has no workflow 'none'; it has about-only, loose, strict"),
        ({"workflow": None}, "wants a workflow; expected one of about-only, loose, strict"),
    ],
)
def test_what_breaks_a_rule_is_not_published(
    quilt3: Peer,
    s3: SeaweedServer,
    plain: str,
    ada: Publisher,
    change: dict[str, Any],
    message: str,
) -> None:
    _publish_rules(s3, plain, _rules(plain))
    before = _keys(s3, plain)
    content = quilt3_side.Content(
        str(ada.folder(change.get("files", SMALL))),
        change.get("meta", ABOUT),
        change.get("message", "m"),
        change.get("entry_meta", {}),
    )
    name, workflow = change.get("name", NAME), change.get("workflow", DEFAULT)
    with pytest.raises(WorkflowViolation, match=message):
        _push(ada, plain, content, name, workflow)
    with pytest.raises(quilt3_side.Refused):
        workflow = ... if workflow == DEFAULT else workflow
        quilt3.ask(quilt3_side.push, plain, name, content, workflow=workflow)
    assert _keys(s3, plain) == before


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ("- not\n- a mapping\n", "the workflows of .* cannot be read"),
        ("version: '1'\nworkflows: [", "the workflows of .* cannot be read"),
        ("[" * 2_000, "the workflows of .* cannot be read"),
        ({"version": "2"}, "are of version '2'; expected version 1"),
        ({"version": "1.10"}, "are of version '1.10'"),
        ({"schemas": {}}, "names a schema 'about' that it does not have"),
        ({"schemas": {"about": {"url": "s3://no-such-bucket-at-all/x"}}}, "schema 'about' at .* "),
        ({"schemas": {"about": {"url": "file:///etc/hostname"}}}, "is a local file of a remote"),
        ({"workflows": {"strict": {"name": "S", "metadata_shema": "about"}}}, "metadata_shema"),
        ({"workflows": {"strict": {"name": "S", "handle_pattern": "("}}}, "pattern that cannot"),
        ({"default_workflow": "none"}, "has no workflow 'none'"),
        ({"is_workflow_requred": False}, "is_workflow_requred"),
    ],
)
def test_rules_that_cannot_be_followed_stop_the_push(
    quilt3: Peer,
    s3: SeaweedServer,
    plain: str,
    ada: Publisher,
    rules: dict[str, Any] | str,
    message: str,
) -> None:
    """As with quilt3: a rule that is not understood is not passed over."""
    _publish_rules(s3, plain, rules if isinstance(rules, str) else _rules(plain, **rules))
    before = _keys(s3, plain)
    content = quilt3_side.Content(str(ada.folder(SMALL)), ABOUT, "m")
    with pytest.raises(quilt3_side.Refused):
        quilt3.ask(quilt3_side.push, plain, NAME, content)
    with pytest.raises(WorkflowViolation, match=message):
        _push(ada, plain, content, NAME, DEFAULT)
    assert _keys(s3, plain) == before


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"properties": {"a": {"$ref": "#/definitions/a"}}}, r"cannot be read: it holds \$ref"),
        ({"$schema": "https://json-schema.org/draft/2020-12/schema"}, "is not JSON Schema draft 7"),
        ({"type": "no such type"}, "is not a valid schema"),
        ("{", "cannot be read"),
        ('{"a":' * 20_000, "cannot be read"),
    ],
)
def test_schemas_that_cannot_be_used_stop_the_push(
    quilt3: Peer,
    s3: SeaweedServer,
    plain: str,
    ada: Publisher,
    schema: dict[str, Any] | str,
    message: str,
) -> None:
    _publish_rules(s3, plain, _rules(plain))
    text = schema if isinstance(schema, str) else json.dumps(schema)
    _put(s3, plain, "schemas/about it.json", text)
    content = quilt3_side.Content(str(ada.folder(SMALL)), ABOUT, "m")
    with pytest.raises(quilt3_side.Refused):
        quilt3.ask(quilt3_side.push, plain, NAME, content)
    with pytest.raises(WorkflowViolation, match=message):
        _push(ada, plain, content, NAME, DEFAULT)


def test_without_rules_there_is_no_stamp(
    plain: str, ada: Publisher, bob: Publisher, tmp_path: Path
) -> None:
    content = quilt3_side.Content(str(ada.folder(SMALL)), ABOUT, "m")
    assert _push(ada, plain, content, NAME, DEFAULT).package.workflow is None
    with pytest.raises(WorkflowViolation, match="'strict' was named, but the registry has none"):
        _push(ada, plain, content, NAME, "strict")
    bob.get(f"{plain}/{NAME}", tmp_path / "checkout")
    assert read_files(tmp_path / "checkout") == SMALL


def test_a_package_that_was_stamped_elsewhere_gets_the_stamp_of_here(
    s3: SeaweedServer, plain: str, versioned_bucket: str, ada: Publisher
) -> None:
    """quilt3 does the same: the stamp says which rules checked this very push."""
    _publish_rules(s3, plain, _rules(plain))
    content = quilt3_side.Content(str(ada.folder(SMALL)), ABOUT, "m")
    stamped = _push(ada, plain, content, NAME, DEFAULT).package
    other = f"s3://{versioned_bucket}"
    pushed = ada.send(other, NAME, stamped)
    assert pushed.package.workflow is None
    assert "workflow" not in pushed.package.header
