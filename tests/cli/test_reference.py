"""The reference in the documentation."""

from cellfolio.cli.main import COMMANDS
from docs.make_cli_reference import REFERENCE, reference


def test_it_is_up_to_date() -> None:
    hint = "run `python -m docs.make_cli_reference`"
    assert REFERENCE.read_text(encoding="utf-8") == reference(), hint


def test_it_has_every_command() -> None:
    text = reference()
    assert all(f"\nUsage: cellfolio {name}" in text for name in COMMANDS)
