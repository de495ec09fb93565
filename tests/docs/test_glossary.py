"""One word per thing: the glossary has the words of the design, and each once."""

from __future__ import annotations

import re

from tests.docs.pages import ROOT

WORDS = (
    *("data set", "registry", "package", "revision", "release", "logical key", "physical key"),
    *("digest", "blob", "checkout", "plate", "well", "site", "channel", "plane", "object"),
    *("feature", "profile", "perturbation", "control", "negcon", "poscon", "replicate"),
    *("consensus profile", "modality"),
)


def test_it_has_the_words_of_the_design() -> None:
    text = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
    assert [word for word in WORDS if f"**{word}**" not in text] == []


def test_each_word_is_explained_once() -> None:
    text = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
    words = re.findall(r"^\| \*\*(.+?)\*\* \|", text, flags=re.MULTILINE)
    assert len(words) == len(set(words)) > 20
