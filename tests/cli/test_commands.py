"""What each command prints, for people and for programs."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cellfolio.cli.command import AnswerCommand
from cellfolio.cli.main import COMMANDS, SECTIONS, cli
from tests.cli.conftest import Cellfolio, Ran, write


def fields(name: str) -> set[str]:
    command = cli.get_command(click.Context(cli), name)
    assert isinstance(command, AnswerCommand)
    return set(command.fields)


def check(ran: Ran, name: str, code: int = 0) -> None:
    """The document has the fields that are documented, and nothing else is printed."""
    assert ran.code == code, ran.err
    assert set(ran.document) == fields(name)
    assert ran.err == ""


# Looking


def test_list(cellfolio: Cellfolio, package: str) -> None:
    assert cellfolio("list", "local").out == "lab/plates\n"
    ran = cellfolio("list", "--json")
    check(ran, "list")
    assert ran.document["packages"] == [package]
    assert ran.document["registry"].startswith("file:///")
    assert "abc/atlas" in [one["name"] for one in ran.document["data_sets"]]
    title, *names = cellfolio("list", "--search", "PLATES lab").out.splitlines()
    assert (title, names) == ("Packages of the local registry", ["  lab/plates"])
    assert cellfolio("list", "-s", "no such thing").out == "nothing has all these words\n"


def test_show_describes_a_data_set_without_network(cellfolio: Cellfolio) -> None:
    ran = cellfolio("show", "cpjump1/images")
    assert ran.code == 0
    assert "    BR00117010  27,648  U2OS 48-hour Compound Plate 3" in ran.out.splitlines()
    ran = cellfolio("show", "cpjump1/images", "--json")
    check(ran, "show")
    assert ran.document["data_set"]["address"].startswith("cpg+s3://cellpainting-gallery/")
    assert ran.document["package"] is None


def test_list_says_that_there_is_nothing(cellfolio: Cellfolio, tmp_path: Path) -> None:
    ran = cellfolio("list", tmp_path / "nowhere")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err == f"note: file://{tmp_path}/nowhere has no packages\n"
    assert "has no packages" in cellfolio("list", tmp_path / "nowhere", "--json").error["note"]


def test_log(cellfolio: Cellfolio, package: str) -> None:
    newest, oldest = cellfolio("log", package).out.splitlines()
    assert newest.endswith("UTC  Second …")
    assert oldest.endswith("UTC  First")
    ran = cellfolio("log", package, "--json")
    check(ran, "log")
    assert [one["message"] for one in ran.document["revisions"]] == ["Second\nand more", "First"]
    assert {len(one["top_hash"]) for one in ran.document["revisions"]} == {64}


def test_show(cellfolio: Cellfolio, package: str) -> None:
    ran = cellfolio("show", package)
    assert ran.code == 0
    title, *lines = ran.out.splitlines()
    assert title.startswith("lab/plates @ ")
    assert "  holds     6 files, 5.0 kB" in lines
    assert "  message   Second" in lines
    assert "            and more" in lines
    assert "├─ images/       4 files  5.0 kB" in lines
    assert "│  └─ p3/        2 files     2 B" in lines
    assert "└─ platemap.csv              5 B" in lines
    assert lines[-3:] == ["  # Plates", "", "  Two plates."]


def test_show_as_json(cellfolio: Cellfolio, package: str) -> None:
    ran = cellfolio("show", package, "--json")
    check(ran, "show")
    found = ran.document
    assert (found["files"], found["size"], found["path"]) == (6, 5029, "")
    assert found["readme"].startswith("# Plates")
    assert [(item["key"], item["kind"], item["files"]) for item in found["items"]] == [
        ("README.md", "file", 1),
        ("images", "folder", 4),
        ("images/p1", "folder", 2),
        ("images/p3", "folder", 2),
        ("platemap.csv", "file", 1),
    ]
    assert found["items"][0]["digest"].startswith("sha2-256-chunked:")


@pytest.mark.parametrize(("option", "count"), [("--depth=0", 0), ("--depth=1", 3), ("--all", 9)])
def test_show_depth(cellfolio: Cellfolio, package: str, option: str, count: int) -> None:
    assert len(cellfolio("show", package, option, "--json").document["items"]) == count


def test_show_cuts_large_folders(cellfolio: Cellfolio, tmp_path: Path) -> None:
    many = write(tmp_path / "many", {f"f{i:03}": b"" for i in range(50)})
    cellfolio("build", many, "lab/many")
    assert "… and 30 more" in cellfolio("show", "lab/many").out
    assert "more" not in cellfolio("show", "lab/many", "--all").out
    assert len(cellfolio("show", "lab/many", "--json").document["items"]) == 50


def test_show_a_part(cellfolio: Cellfolio, package: str) -> None:
    ran = cellfolio("show", f"{package}/images/p1")
    assert "  path      images/p1" in ran.out
    assert "README" not in ran.out
    ran = cellfolio("show", f"{package}/platemap.csv")
    assert "  digest     sha2-256-chunked:" in ran.out
    ran = cellfolio("show", f"{package}/platemap.csv", "--json")
    check(ran, "show")
    assert [item["key"] for item in ran.document["items"]] == ["platemap.csv"]


def test_show_an_older_revision_and_a_folder(
    cellfolio: Cellfolio, package: str, source: Path
) -> None:
    first = cellfolio("log", package, "--json").document["revisions"][1]["top_hash"]
    assert cellfolio("show", f"{package}@{first[:8]}", "--json").document["meta"] == {"assay": "CP"}
    ran = cellfolio("show", source, "--no-readme", "--json")
    assert (ran.document["registry"], ran.document["readme"]) == ("", None)


def test_readme_is_cut_unless_it_is_asked_for(cellfolio: Cellfolio, tmp_path: Path) -> None:
    text = "".join(f"line {i}\n" for i in range(40))
    cellfolio("build", write(tmp_path / "long", {"README.md": text.encode()}), "lab/long")
    assert "… 28 more lines: --readme" in cellfolio("show", "lab/long").out
    assert "line 39" in cellfolio("show", "lab/long", "--readme").out
    assert "line 0" not in cellfolio("show", "lab/long", "--no-readme").out


def test_diff(cellfolio: Cellfolio, package: str) -> None:
    first = cellfolio("log", package, "--json").document["revisions"][1]["top_hash"]
    ran = cellfolio("diff", f"{package}@{first}", package)
    assert ran.code == 1
    assert ran.out.splitlines()[1:] == [
        "+  images/p3/     2 files, 2 B",
        "-  images/p2/     1 file, 10 B",
        "~  platemap.csv   23 B → 5 B",
        "m  (the package)  metadata",
        "2 added (2 B), 1 removed, 1 changed, 1 with other metadata",
    ]
    assert "images/p3/d.tiff" in cellfolio("diff", f"{package}@{first}", package, "--all").out
    ran = cellfolio("diff", f"{package}@{first}", package, "--json")
    check(ran, "diff", 1)
    assert ran.document["different"]
    assert [one["key"] for one in ran.document["added"]] == ["images/p3/d.tiff", "images/p3/e.tiff"]
    assert ran.document["changed"][0]["newer"]["size"] == 5
    assert ran.document["older"]["top_hash"] == first


def test_diff_of_parts_and_of_the_same(cellfolio: Cellfolio, package: str, source: Path) -> None:
    ran = cellfolio("diff", package, package)
    assert (ran.code, ran.out.splitlines()[1]) == (0, "no difference")
    assert not cellfolio("diff", package, package, "--json").document["different"]
    assert cellfolio("diff", package, source).code == 0


# Getting


def test_get(cellfolio: Cellfolio, package: str, tmp_path: Path) -> None:
    ran = cellfolio("get", package)
    assert ran.code == 0
    assert ran.out.splitlines()[1:] == [
        "6 files, 5.0 kB",
        "6 placed, 0 kept, 0 removed; 0 fetched (0 B)",
    ]
    assert (tmp_path / "plates/images/p3/e.tiff").read_bytes() == b"e"
    ran = cellfolio("get", package, "--json")
    check(ran, "get")
    assert (ran.document["placed"], ran.document["kept"]) == (0, 6)


def test_get_a_part(cellfolio: Cellfolio, package: str, tmp_path: Path) -> None:
    ran = cellfolio("get", f"{package}/images", "*.csv", "-o", "part", "--copy", "--json")
    check(ran, "get")
    assert ran.document["files"] == 5
    assert (tmp_path / "part/platemap.csv").stat().st_nlink == 1
    assert not (tmp_path / "part/README.md").exists()


def test_get_dry_run(cellfolio: Cellfolio, package: str, tmp_path: Path) -> None:
    ran = cellfolio("get", package, "--dry-run")
    assert ran.out.endswith("nothing was done: --dry-run\n")
    assert not (tmp_path / "plates").exists()
    assert cellfolio("get", package, "--dry-run", "--json").document["dry_run"]


def test_get_a_plain_folder_needs_a_target(cellfolio: Cellfolio, source: Path) -> None:
    ran = cellfolio("get", source)
    assert ran.code == 2
    assert "name a folder to fill with -o" in ran.err
    assert cellfolio("get", source, "-o", "copied").code == 0


def test_force_overwrites_what_the_user_changed(
    cellfolio: Cellfolio, package: str, tmp_path: Path
) -> None:
    cellfolio("get", package, "--copy")
    (tmp_path / "plates/platemap.csv").write_bytes(b"mine")
    ran = cellfolio("get", package, "--json")
    assert (ran.code, ran.out) == (4, "")
    assert ran.error["keys"] == ["platemap.csv"]
    assert (tmp_path / "plates/platemap.csv").read_bytes() == b"mine"
    assert cellfolio("get", package, "--force").code == 0
    assert (tmp_path / "plates/platemap.csv").read_bytes() == b"other"


def test_status(cellfolio: Cellfolio, package: str, tmp_path: Path) -> None:
    cellfolio("get", package, "images", "*.csv", "--copy")
    assert cellfolio("status", "plates").code == 0
    (tmp_path / "plates/platemap.csv").write_bytes(b"mine")
    (tmp_path / "plates/images/p3/d.tiff").unlink()
    (tmp_path / "plates/notes.txt").write_bytes(b"")
    ran = cellfolio("status", "plates")
    assert ran.code == 1
    assert ran.out.splitlines()[1:] == [
        "parts: *.csv, images",
        "modified  platemap.csv",
        "missing   images/p3/d.tiff",
        "extra     notes.txt",
        "3 unchanged, 1 modified, 1 missing, 1 extra",
    ]
    ran = cellfolio("status", "plates", "--json")
    check(ran, "status", 1)
    assert (ran.document["clean"], ran.document["complete"]) == (False, True)


def test_verify(cellfolio: Cellfolio, package: str, tmp_path: Path) -> None:
    ran = cellfolio("verify")
    assert (ran.code, ran.out) == (0, "8 files right, nothing damaged\n")
    check(cellfolio("verify", package, "--json"), "verify")
    check(cellfolio("verify", package, "-r", "local", "--json"), "verify")
    cellfolio("get", package, "--copy")
    assert cellfolio("verify", "plates").code == 0
    (tmp_path / "plates/platemap.csv").write_bytes(b"mine!!!")
    ran = cellfolio("verify", "plates", "--json")
    check(ran, "verify", 1)
    assert ran.document["modified"] == ["platemap.csv"]
    assert "modified  platemap.csv" in cellfolio("verify", "./plates").out


def test_verify_repairs(cellfolio: Cellfolio, package: str, tmp_path: Path) -> None:
    cellfolio("get", package, "--copy")
    damaged = tmp_path / "plates/platemap.csv"
    status = damaged.stat()
    damaged.write_bytes(b"wrong")
    os.utime(damaged, ns=(status.st_atime_ns, status.st_mtime_ns))
    ran = cellfolio("verify", "plates")
    assert (ran.code, ran.out.splitlines()[0]) == (1, "damaged   platemap.csv")
    ran = cellfolio("verify", "plates", "--repair", "--json")
    check(ran, "verify")
    assert ran.document["repaired"] == ["platemap.csv"]
    assert damaged.read_bytes() == b"other"


def test_repair_of_what_came_from_a_plain_folder(cellfolio: Cellfolio, source: Path) -> None:
    cellfolio("get", source, "-o", "copied", "--copy")
    damaged = Path("copied/platemap.csv")
    status = damaged.stat()
    damaged.write_bytes(damaged.read_bytes().upper())
    os.utime(damaged, ns=(status.st_atime_ns, status.st_mtime_ns))
    ran = cellfolio("verify", "copied", "--repair", "--json")
    check(ran, "verify", 1)
    assert ran.document["damaged"] == ["platemap.csv"]


# Publishing and keeping


def test_build(cellfolio: Cellfolio, source: Path, tmp_path: Path) -> None:
    (tmp_path / "meta.json").write_text('{"plate": 7}')
    ran = cellfolio("build", source, "lab/x", "-m", "m", "--meta", "@meta.json", "--json")
    check(ran, "build")
    assert (ran.document["files"], ran.document["files_sent"]) == (5, 5)
    assert cellfolio("show", "lab/x", "--json").document["meta"] == {"plate": 7}
    ran = cellfolio("build", source, "lab/x", "-m", "m", "--meta", '{"plate": 7}')
    assert ran.out.splitlines()[1] == "nothing changed: the latest revision is this one"
    assert cellfolio("build", source, "lab/x", "--workflow", "none").code == 4
    assert cellfolio("build", source, "lab/x", "--workflow", "").code == 0


@pytest.mark.parametrize("meta", ["[1]", "{", "@nowhere.json", "[" * 100_000])
def test_bad_metadata_is_a_usage_error(cellfolio: Cellfolio, source: Path, meta: str) -> None:
    ran = cellfolio("build", source, "lab/x", "--meta", meta)
    assert ran.code == 2
    assert ran.err.startswith("cellfolio: --meta")
    assert "Traceback" not in ran.err


def test_push(cellfolio: Cellfolio, package: str, tmp_path: Path) -> None:
    ran = cellfolio("push", package, "shared", "-m", "For all", "--json")
    check(ran, "push")
    assert ran.document["files_sent"] == 6
    assert cellfolio("list", "shared").out == "lab/plates\n"
    assert cellfolio("show", package, "-r", "shared", "--json").document["message"] == "For all"
    assert cellfolio("log", f"{tmp_path}/shared/lab/plates").code == 0
    ran = cellfolio("push", package, "shared", "-m", "For all")
    assert ran.out.splitlines()[1] == "nothing changed: the latest revision is this one"


def test_push_over_a_strangers_revision(
    cellfolio: Cellfolio, package: str, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cellfolio("push", package, "shared")
    monkeypatch.setenv("CELLFOLIO_HOME", str(source.parent / "other-home"))
    cellfolio("build", source, "lab/plates", "-m", "Mine")
    ran = cellfolio("push", package, "shared", "--json")
    assert (ran.code, ran.error["error"]) == (4, "PushConflict")
    assert cellfolio("push", package, "shared", "--force").code == 0


def test_du(cellfolio: Cellfolio, package: str, tmp_path: Path) -> None:
    cellfolio("get", package)
    lines = cellfolio("du").out.splitlines()
    assert lines[0] == "10.1 kB  2 revisions  lab/plates"
    assert lines[1].startswith(" 5.1 kB      8 files  store ")
    assert lines[-1] == f"filled from it: {tmp_path}/plates"
    whole = cellfolio("du", "--json").document
    part = cellfolio("du", package, "--json").document
    assert {*whole, *part} == fields("du")
    assert (whole["store"]["files"], whole["packages"][0]["revisions"]) == (8, 2)
    assert part["folders"][-1] == {"key": "", "files": 6, "size": 5029}
    assert "images/p1/" in cellfolio("du", package, "--depth", 2).out


def test_gc(cellfolio: Cellfolio, package: str) -> None:
    assert cellfolio("gc").out == "0 files removed (0 B), 8 kept\n"
    ran = cellfolio("gc", "--dry-run", "--json")
    check(ran, "gc")
    assert ran.document["dry_run"]


# All of them


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_json(name: str) -> None:
    result = CliRunner().invoke(cli, [name, "--help"])
    assert result.exit_code == 0
    assert "--json" in result.output
    assert cli.get_command(click.Context(cli), name).get_short_help_str(120) == COMMANDS[name][1]  # type: ignore[union-attr]
    assert fields(name)


def test_help_lists_every_command(cellfolio: Cellfolio) -> None:
    ran = cellfolio("--help")
    assert cellfolio().out == ran.out
    assert ran.code == 0
    for title, section in SECTIONS.items():
        assert f"\n{title}:\n" in ran.out
        assert all(re.search(rf"\n  {name}\s", ran.out) for name in section)


def test_version(cellfolio: Cellfolio) -> None:
    import cellfolio as library

    assert cellfolio("--version").out == f"cellfolio {library.__version__}\n"


# Strangers' names

HOSTILE = "a\x1b[31m\u202e\nb"


def test_names_cannot_play_with_the_terminal(cellfolio: Cellfolio, tmp_path: Path) -> None:
    folder = write(tmp_path / "hostile", {f"{HOSTILE}/x.csv": b"1", "README.md": b"\x1b]0;t\x07hi"})
    meta = json.dumps({HOSTILE: HOSTILE})
    assert cellfolio("build", folder, "lab/bad", "-m", HOSTILE, "--meta", meta).code == 0
    cellfolio("get", "lab/bad", "-o", "bad", "--copy")
    (tmp_path / "bad" / HOSTILE / "x.csv").write_bytes(b"22")
    for args in (
        ("show", "lab/bad"),
        ("log", "lab/bad"),
        ("du", "lab/bad"),
        ("diff", "lab/bad", "./bad"),
        ("status", "bad"),
        ("verify", "bad"),
        ("get", "lab/bad", "-o", "bad"),
        ("show", f"lab/bad/{HOSTILE}/nothing"),
        ("show", f"lab/bad/{HOSTILE}/x.csv"),
    ):
        ran = cellfolio(*args)
        assert not {"\x1b", "\u202e", "\x07"} & set(ran.out + ran.err), args
        assert cellfolio(*args, "--json").code == ran.code
        assert "Traceback" not in ran.err


def test_bytes_that_are_no_text(program: Cellfolio) -> None:
    ran = program("show", b"lab/\xff".decode("utf-8", "surrogateescape"), PYTHONUTF8="1")
    assert ran.code == 2
    assert r"\udcff" in ran.err


def test_verify_of_a_registry_needs_a_package(cellfolio: Cellfolio) -> None:
    ran = cellfolio("verify", "-r", "s3://somewhere")
    assert ran.code == 2
    assert "name a PACKAGE" in ran.err


def test_push_to_a_folder_under_another_name(
    cellfolio: Cellfolio, package: str, tmp_path: Path
) -> None:
    assert cellfolio("push", package, tmp_path / "disk", "--as", "lab/other").code == 0
    assert cellfolio("list", tmp_path / "disk").out == "lab/other\n"
    ran = cellfolio("push", package, tmp_path / "disk", "--as", "no name")
    assert ran.code == 2
