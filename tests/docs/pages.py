"""Runs a page of the documentation as its reader would, from top to bottom, in an empty folder.

What a fence is for follows from its language:

- with ``title="NAME"``: a file, which is written there;
- ``console``: commands after ``$``, and what they print;
- ``python``: a part of one program;
- ``pycon``: the same, with what the interpreter answers;
- ``text``: nothing to run.

``python -m tests.docs.pages PAGE…`` writes what was really printed into pages.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import subprocess
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from markdown_it import MarkdownIt

__all__ = ["DOCS", "ROOT", "Fence", "fences", "rerun"]

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

_INFO = re.compile(r'(?P<language>[\w+-]*)(?:\s+title="(?P<title>[^"]+)")?')
_SECONDS = 3600  # ends a command that hangs, on a machine however slow
_INCLUDE = "--8<--"


@dataclass(frozen=True)
class Fence:
    """A fenced block.

    Attributes:
        language: What it is written in.
        title: The file that it is, if it is one.
        text: What is in it.
        line: Where its text begins in the page, from 0.
    """

    language: str
    title: str | None
    text: str
    line: int


def fences(page: str) -> list[Fence]:
    """The fenced blocks of a page."""
    found = []
    for token in MarkdownIt().parse(page):
        if token.type == "fence" and token.map is not None:
            info = _INFO.fullmatch(token.info.strip())
            assert info is not None, f"line {token.map[0] + 1}: a fence says {token.info!r}"
            found.append(Fence(info["language"], info["title"], _included(token.content), token.map[0] + 1))
    return found


def _included(text: str) -> str:
    """A fence that shows a file of the repository, or a section of one, has its text."""
    if not text.startswith(_INCLUDE):
        return text
    path, _, section = text.removeprefix(_INCLUDE).strip().strip('"').partition(":")
    whole = ROOT.joinpath(path).read_text()
    if not section:
        return whole
    found = re.search(rf"^.*\[start:{section}\].*\n((?:.*\n)*?).*\[end:{section}\]", whole, re.MULTILINE)
    assert found is not None, f"{path} has no section {section!r}"
    return found[1]


def rerun(page: str, folder: Path) -> str:
    """Run a page in a folder; the page, with what was really printed."""
    lines, run = page.splitlines(keepends=True), _Run(folder)
    shift = 0
    for fence in fences(page):
        printed = run.fence(fence)
        if printed is not None and printed != fence.text:
            begin, count = fence.line + shift, len(fence.text.splitlines())
            new = printed.splitlines(keepends=True)
            lines[begin : begin + count] = new
            shift += len(new) - count
    return "".join(lines)


class _Run:
    """One reading of a page."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._globals: dict[str, Any] = {"__name__": "__main__"}
        self._environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "COLUMNS": "120",
            "PYTHONHASHSEED": "0",
        }

    def fence(self, fence: Fence) -> str | None:
        """Do what a fence says; its text as it should be, or None where there is nothing to compare."""
        where = f"line {fence.line + 1}"
        if fence.title is not None:
            path = self._folder / fence.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(fence.text)
            return None
        match fence.language:
            case "console":
                return self._console(fence.text)
            case "python":
                self._inside(lambda: exec(compile(fence.text, where, "exec"), self._globals))
                return None
            case "pycon":
                output: str = self._inside(lambda: self._dialogue(fence.text, where))
                return output
            case "text":
                return None
        raise AssertionError(f"{where}: {fence.language!r} cannot be run; give it a title, or call it text")

    def _inside(self, act: Any) -> Any:
        before = Path.cwd()
        os.chdir(self._folder)
        try:
            return act()
        finally:
            os.chdir(before)

    def _console(self, text: str) -> str:
        output = []
        for command in re.findall(r"^\$ (.*(?:(?<=\\)\n.*)*)", text, flags=re.MULTILINE):
            done = subprocess.run(
                ["bash", "-c", command], cwd=self._folder, env=self._environment, timeout=_SECONDS,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            )  # fmt: skip
            output.append(f"$ {command}\n{done.stdout}")
        return "".join(output)

    def _dialogue(self, text: str, where: str) -> str:
        output = []
        for example in doctest.DocTestParser().get_examples(text, where):
            source = example.source.splitlines()
            output += [f"{'>>>' if number == 0 else '...'} {line}" for number, line in enumerate(source)]
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                try:
                    exec(compile(example.source, where, "single"), self._globals)
                except Exception as error:  # a dialogue may show one
                    printed.write("Traceback (most recent call last):\n  ...\n")
                    printed.writelines(traceback.format_exception_only(error))
            output += printed.getvalue().splitlines()
        return "".join(f"{line}\n" for line in output)


def main(pages: list[str]) -> None:
    """Write what is really printed into pages."""
    for name in pages:
        path = Path(name)
        with TemporaryDirectory() as folder:
            path.write_text(rerun(path.read_text(), Path(folder)))


if __name__ == "__main__":
    main(sys.argv[1:])
