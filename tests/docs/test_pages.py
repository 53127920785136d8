"""Every snippet of the documentation runs, and prints what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.docs.pages import DOCS, fences, rerun

from kschedcore.cli.app import COMMANDS

PAGES = sorted(path for path in DOCS.rglob("*.md") if fences(path.read_text()))


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(DOCS)))
def test_page(page: Path, tmp_path: Path) -> None:
    text = page.read_text()
    assert rerun(text, tmp_path) == text


def test_every_command_is_in_the_reference() -> None:
    page = (DOCS / "reference/cli.md").read_text()
    for command in COMMANDS:
        name = command.__name__.rpartition(".")[2]
        assert f"$ kschedcore {name} --help\n" in page


def test_a_page_that_is_wrong_is_found_out(tmp_path: Path) -> None:
    page = "```console\n$ echo one\ntwo\n```\n\n```pycon\n>>> 1 + 1\n3\n>>> print('a')\na\n```\n"
    assert rerun(page, tmp_path) == page.replace("two", "one").replace("3\n", "2\n")


def test_what_cannot_be_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="line 2: 'rust' cannot be run"):
        rerun("```rust\nfn main() {}\n```\n", tmp_path)
    with pytest.raises(NameError, match="nowhere"):
        rerun("```python\nnowhere\n```\n", tmp_path)


def test_a_titled_fence_is_a_file(tmp_path: Path) -> None:
    page = '```yaml title="a/b.yaml"\nkind: Pod\n```\n\n```console\n$ cat a/b.yaml\nkind: Pod\n```\n'
    assert rerun(page, tmp_path) == page


def test_what_holds_a_feature_exists() -> None:
    page = (DOCS / "reference/faithfulness.md").read_text()
    named = set(re.findall(r"`(tests/[^`]+)`", page))
    assert [path for path in sorted(named) if not (DOCS.parent / path).exists()] == []
