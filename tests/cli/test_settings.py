"""Defaults of options: flag before environment before project file before the user's file."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import Run

LINE = "schedule -f cluster.yaml -f app.yaml -l app=web"


@pytest.fixture(autouse=True)
def _home(command: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:  # noqa: ARG001
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))


def user_file(text: str, tmp_path: Path) -> None:
    path = tmp_path / "home" / "kschedcore" / "kschedcore.toml"
    path.parent.mkdir(parents=True)
    path.write_text(text)


def test_the_precedence(command: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    user_file('output = "name"\nno-headers = true\n', tmp_path)
    assert command(LINE).out.startswith("pod/web-")
    Path("kschedcore.toml").write_text('output = "csv"\n')
    assert command(LINE).out.startswith("shop,web-")  # without headers, as the user's file says
    monkeypatch.setenv("KSCHEDCORE_OUTPUT", "wide")
    assert command(LINE).lines[0][:3] == ["shop", "web-0", "web-b1"]
    assert command(f"{LINE} -o json").out.startswith("{")


def test_a_table_is_for_one_command(command: Run) -> None:
    Path("kschedcore.toml").write_text('output = "name"\n[schedule]\noutput = "json"\nkubernetes = "1.34"\n')
    assert command(LINE).out.startswith("{")
    assert command("fit -f cluster.yaml -f app.yaml").out.startswith("pod/")


def test_pyproject(command: Run) -> None:
    Path("pyproject.toml").write_text('[tool.kschedcore]\nfilename = ["cluster.yaml", "app.yaml"]\n')
    assert command("fit").status == 1
    assert command("fit -f cluster.yaml").status == 2  # flags replace lists
    Path("kschedcore.toml").write_text("")
    assert command("fit").status == 2


def test_a_pyproject_of_another_program(command: Run) -> None:
    Path("pyproject.toml").write_text('[project]\nname = "shop"\n')
    assert command(LINE).status == 0


def test_lists_in_the_environment_are_split_as_by_a_shell(
    command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("my app.yaml").write_bytes(Path("app.yaml").read_bytes())
    monkeypatch.setenv("KSCHEDCORE_FILENAME", "cluster.yaml 'my app.yaml'")
    assert command("fit").status == 1
    monkeypatch.setenv("KSCHEDCORE_FILENAME", "cluster.yaml 'app")
    result = command("fit")
    assert (result.status, result.err) == (
        2,
        "error: KSCHEDCORE_FILENAME: cluster.yaml 'app: no closing quotation\n",
    )


@pytest.mark.parametrize("value", ["1", "true", "YES", "on"])
def test_flags_in_the_environment(command: Run, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("KSCHEDCORE_NO_HEADERS", value)
    assert command(LINE).out.startswith("shop")
    monkeypatch.setenv("KSCHEDCORE_NO_HEADERS", "off")
    assert command(LINE).out.startswith("NAMESPACE")


def test_another_file_or_none(command: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("kschedcore.toml").write_text('output = "name"\n')
    Path("other.toml").write_text('output = "csv"\n')
    assert command(f"--config-file other.toml {LINE}").out.startswith("namespace,")
    assert command(f"--no-config {LINE}").out.startswith("NAMESPACE")
    monkeypatch.setenv("KSCHEDCORE_CONFIG_FILE", "other.toml")
    assert command(LINE).out.startswith("namespace,")
    monkeypatch.setenv("KSCHEDCORE_NO_CONFIG", "1")
    assert command(LINE).out.startswith("NAMESPACE")


def test_a_shared_setting_that_one_command_does_not_take(
    command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KSCHEDCORE_OUTPUT", "wide")
    result = command("diff here there")
    assert (result.status, result.err) == (2, "error: here: no such folder\n") or "here" in result.err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ouput = 'json'", "kschedcore.toml: unknown setting ouput, did you mean output?"),
        ("[schedul]\nseed = 1", "kschedcore.toml: unknown table schedul, did you mean schedule?"),
        ("[fit]\nsed = 1", "kschedcore.toml: unknown setting fit.sed"),
        ("seed = 'x'", "seed in kschedcore.toml: found 'x', expected a whole number"),
        ("strict = 'maybe'", "strict in kschedcore.toml: found 'maybe', expected true or false"),
        ("filename = 3", "filename in kschedcore.toml: found 3, expected a list of strings"),
        ("kubernetes = ['1.34']", "kubernetes in kschedcore.toml: found ['1.34'], expected a string"),
        (
            "[fit]\noutput = 'xml'",
            "fit.output in kschedcore.toml: found 'xml', expected one of table, wide, ",
        ),
        ("output = 'xml'", "output in kschedcore.toml: found 'xml', expected one of table, "),
        ("output = ", "kschedcore.toml: not valid TOML: "),
    ],
)
def test_what_makes_no_sense_is_refused(command: Run, text: str, message: str) -> None:
    Path("kschedcore.toml").write_text(text)
    result = command(LINE)
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith(f"error: {message}")
    assert result.err.count("\n") == 1


def test_a_value_out_of_range_names_its_source(command: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KSCHEDCORE_PORT", "99999")
    result = command("extender -f cluster.yaml")
    assert result.status == 2
    assert result.err.startswith("error: KSCHEDCORE_PORT: Invalid value for '--port'")


def test_a_missing_file(command: Run) -> None:
    result = command(f"--config-file nowhere.toml {LINE}")
    assert (result.status, result.err) == (
        2,
        "error: nowhere.toml: cannot be read: No such file or directory\n",
    )
