"""Reading ``-f``, ``-R`` and ``-k``."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import Run

POD = (
    "{{apiVersion: v1, kind: Pod, metadata: {{name: {0}}}, spec: {{containers: [{{name: c, image: i}}]}}}}\n"
)


def names(out: str) -> set[str]:
    return {line.removeprefix("pod/") for line in out.split()}


@pytest.fixture
def tree(command: Run) -> Path:  # noqa: ARG001
    for path, name in (
        ("app/b.yaml", "b"),
        ("app/x/a.yml", "a"),
        ("app/x/y/c.json", "c"),
        ("app/x/notes.txt", "n"),
    ):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(POD.format(name))
    return Path("app")


@pytest.mark.usefixtures("tree")
def test_folders_in_folders(command: Run) -> None:
    assert names(command("schedule -f cluster.yaml -f app -o name").out) == {"b"}
    assert names(command("schedule -f cluster.yaml -f app -R -o name").out) == {"a", "b", "c"}


def test_recursion_needs_a_folder(command: Run) -> None:
    result = command("schedule -R -k app")
    assert (result.status, result.err) == (2, "error: -R: needs a folder; name it with -f\n")


@pytest.mark.parametrize("command_name", ["schedule", "fit", "simulate", "extender", "explain web-0"])
def test_urls_are_not_fetched(command: Run, command_name: str) -> None:
    result = command(f"{command_name} -f https://example.com/app.yaml")
    assert (result.status, result.out) == (2, "")
    assert result.err == (
        "error: -f https://example.com/app.yaml: URLs are not fetched; try"
        " curl -fsSL https://example.com/app.yaml | kschedcore ... -f -\n"
    )


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "apiVersion: v1\nkind: List\nitems: []\n"])
@pytest.mark.parametrize("command_name", ["schedule", "fit", "simulate --duration 1m", "extender"])
def test_a_file_without_objects(command: Run, command_name: str, text: str) -> None:
    Path("empty.yaml").write_text(text)
    result = command(f"{command_name} -f cluster.yaml -f empty.yaml")
    assert (result.status, result.out) == (2, "")
    assert result.err == "error: empty.yaml: holds no objects\n"


def test_the_same_file_twice(command: Run) -> None:
    assert command("schedule -f cluster.yaml -f app.yaml -f app.yaml").status == 0


class TestKustomize:
    PROGRAM = """#!/bin/sh
if [ "$1" = "{verb}" ] && [ -f "$2/kustomization.yaml" ]; then
  cat "$2/built"
else
  echo "Error: accumulating resources" >&2
  echo "Error: it is broken" >&2
  exit 1
fi
"""

    @pytest.fixture
    def overlay(self, command: Run) -> Path:  # noqa: ARG002
        folder = Path("overlay")
        folder.mkdir()
        (folder / "kustomization.yaml").write_text("resources: [app.yaml]\n")
        (folder / "built").write_text(POD.format("k"))
        return folder

    def programs(self, monkeypatch: pytest.MonkeyPatch, **verbs: str) -> None:
        folder = Path("programs").absolute()
        folder.mkdir()
        for program, verb in verbs.items():
            (folder / program).write_text(self.PROGRAM.replace("{verb}", verb))
            (folder / program).chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin" if verbs else str(folder))

    @pytest.mark.usefixtures("overlay")
    def test_kubectl_builds_it(self, command: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        self.programs(monkeypatch, kubectl="kustomize")
        assert names(command("schedule -f cluster.yaml -k overlay -o name").out) == {"k"}

    @pytest.mark.usefixtures("overlay")
    def test_kustomize_builds_it(self, command: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        self.programs(monkeypatch, kustomize="build")
        monkeypatch.setattr("shutil.which", lambda name: f"programs/{name}" if name == "kustomize" else None)
        assert names(command("schedule -f cluster.yaml -k overlay -o name").out) == {"k"}

    @pytest.mark.usefixtures("overlay")
    def test_without_a_program(self, command: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        self.programs(monkeypatch)
        result = command("schedule -f cluster.yaml -k overlay")
        assert result.status == 2
        assert result.err.startswith("error: -k overlay: needs kubectl or kustomize on the PATH; ")

    def test_a_build_that_fails(self, command: Run, overlay: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.programs(monkeypatch, kubectl="other")
        result = command(f"schedule -f cluster.yaml -k {overlay}")
        assert (result.status, result.err) == (
            2,
            "error: -k overlay: kubectl kustomize: Error: it is broken\n",
        )

    def test_a_fault_in_what_is_built(
        self, command: Run, overlay: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.programs(monkeypatch, kubectl="kustomize")
        (overlay / "built").write_text("kind: Pod\n")
        result = command(f"schedule -f cluster.yaml -k {overlay}")
        assert result.status == 2
        assert result.err.startswith("error: kubectl kustomize overlay: document 1: ")

    @pytest.mark.parametrize(
        ("folder", "message"),
        [
            ("nowhere", "-k nowhere: no such folder"),
            (".", "-k .: holds no kustomization.yaml"),
            ("https://github.com/a/b", "-k https://github.com/a/b: URLs are not fetched; expected a folder"),
        ],
    )
    def test_no_kustomization(self, command: Run, folder: str, message: str) -> None:
        result = command(f"schedule -k {folder}")
        assert result.status == 2
        assert result.err.startswith(f"error: {message}")
