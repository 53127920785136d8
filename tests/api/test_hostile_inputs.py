"""Invalid manifests: each is rejected with one message that names the location, the problem and the expected form.

The inputs and their messages are in ``hostile_inputs.py``.
"""

from __future__ import annotations

import gzip
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from tests.api.hostile_inputs import BOMB, TABLE, flow

from kschedcore import load
from kschedcore.cli import run
from kschedcore.errors import KschedcoreError, ManifestError, NotFoundError
from kschedcore.manifests import loading
from kschedcore.manifests.manifests import Manifests


def as_bytes(content: str | bytes) -> bytes:
    return content if isinstance(content, bytes) else content.encode()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "manifest"


@pytest.mark.parametrize("name", TABLE)
def test_is_refused(name: str, file: Path) -> None:
    content, expected = TABLE[name]
    file.write_bytes(as_bytes(content))

    with pytest.raises(ManifestError) as caught:
        load(file)

    message = str(caught.value)
    assert message.startswith(f"{file}: ")
    text, expected = message.removeprefix(f"{file}: "), expected.replace("FILE", str(file))
    assert text.startswith(expected[:-1]) if expected.endswith("…") else text == expected
    assert len(text) < 1_000
    assert "\n" not in text


@pytest.mark.parametrize("name", ["rule: skew", "YAML: tab", "bytes: cut off gzip", "JSON: cut off"])
def test_a_fault_keeps_its_message_in_gzip(name: str, file: Path) -> None:
    content, _ = TABLE[name]
    file.write_bytes(as_bytes(content))
    with pytest.raises(ManifestError) as plain:
        load(file)
    file.write_bytes(gzip.compress(as_bytes(content)))
    with pytest.raises(ManifestError) as packed:
        load(file)

    assert str(packed.value).startswith(str(plain.value)[:40])


@pytest.mark.parametrize("content", ["", "\n\n", "# nothing\n", "---\n---\n...\n", "null", "\ufeff", "[]"])
def test_nothing_is_fine_unless_it_is_an_empty_list(content: str, file: Path) -> None:
    file.write_text(content, encoding="utf-8")

    if content == "[]":
        with pytest.raises(ManifestError, match="found a list, expected an object"):
            load(file)
    else:
        assert load(file).objects == {}


@pytest.mark.parametrize(
    "status", [{"podIP": 3}, {"phase": "Running", "containerStatuses": [{"ready": "yes"}]}], ids=str
)
def test_fields_that_placement_does_not_read_are_not_checked_in_objects_that_exist(
    status: Any, file: Path
) -> None:
    file.write_text(flow("Pod", "p", status=status), encoding="utf-8")

    assert load(file).objects["Pod", "default", "p"]["status"] == status


@pytest.mark.parametrize("field", ["labels: null}", "annotations: null, uid: null}"])
def test_null_is_absent(field: str, file: Path) -> None:
    spec = "spec: {containers: [{name: c, image: app, ports: null}], nodeSelector: null}\nstatus: null"
    file.write_text(f"apiVersion: v1\nkind: Pod\nmetadata: {{name: p, {field}\n{spec}\n", encoding="utf-8")

    assert [pod.metadata.name for pod in load(file).pending] == ["p"]


def test_keys_in_memory_may_be_anything() -> None:
    with pytest.raises(ManifestError, match=r"^<objects>: document 1: Pod: apiVersion: is missing$"):
        Manifests.from_objects([{1: 2, "kind": "Pod", None: 3}])  # type: ignore[dict-item]


def test_paths_that_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("", encoding="utf-8")
    (tmp_path / "loop").symlink_to("loop")

    for path, error, message in [
        (tmp_path / "missing.yaml", NotFoundError, "no such file or folder"),
        (tmp_path / "folder", ManifestError, "no manifests (*.yaml, *.yml, *.json, *.gz) in this folder"),
        (tmp_path / "file" / "below", ManifestError, "cannot be read: Not a directory"),
        (tmp_path / "loop", ManifestError, "cannot be read: Too many levels of symbolic links"),
    ]:
        with pytest.raises(error) as caught:
            load(path)
        assert str(caught.value) == f"{path}: {message}"

    with pytest.raises(NotFoundError) as caught:
        load("a\0b")
    assert str(caught.value) == "'a\\x00b' is no path"


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (
            {"priority": 2**70},
            "spec.priority: found the number 1180591620717411303424, expected an integer of",
        ),
        ({"priority": float("nan")}, "spec.priority: found the number nan, expected a number that is finite"),
        ({"containers": ({"name": "c", "image": "app"},)}, None),
        ({"containers": {1, 2}}, "spec.containers: found a set, expected a value of JSON"),
        ({"nodeSelector": {1: "a"}}, "spec.nodeSelector: found the number 1, expected a string"),
        ({"overhead": {"cpu": float("inf")}}, "spec.overhead.cpu: found the number inf, expected"),
    ],
)
def test_objects_in_memory(found: Any, message: str | None) -> None:
    whole = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": found}
    if message is None:
        assert len(Manifests.from_objects([whole]).pending) == 1
        return
    with pytest.raises(ManifestError) as caught:
        Manifests.from_objects([whole])
    assert str(caught.value).startswith(f"<objects>: document 1: Pod default/p: {message}")


@pytest.mark.parametrize(
    "name", ["YAML: alias bomb", "YAML: deep", "JSON: deep lists", "bytes: 10 MB of opening braces"]
)
def test_bombs_take_little_memory(name: str, file: Path) -> None:
    content = as_bytes(TABLE[name][0])
    file.write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(ManifestError):
            load(file)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 16 * 2**20 + 8 * len(content)


def test_a_source_may_not_unpack_without_bound(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "MAX_BYTES", 2**20)
    file.write_bytes(gzip.compress(b" " * 50 * 2**20))
    tracemalloc.start()
    try:
        with pytest.raises(ManifestError, match=r"unpacks to more than 1,048,576 bytes$"):
            load(file)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 16 * 2**20


@pytest.mark.parametrize(
    "name",
    ["quantity: words", "YAML: alias bomb", "JSON: deep objects", "bytes: 10 MB of garbage", "rule: weight"],
)
@pytest.mark.parametrize("command", ["schedule", "fit", "explain p"])
def test_the_command_line_prints_the_message_alone(
    command: str, name: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_bytes(as_bytes(TABLE[name][0]))
    with pytest.raises(KschedcoreError) as caught:
        load(file)

    status = run([*command.split(), "-f", str(file)])

    printed = capsys.readouterr()
    assert (status, printed.out, printed.err) == (2, "", f"error: {caught.value}\n")


def test_a_process_that_is_fed_garbage_ends_with_status_2() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kschedcore", "schedule", "-f", "-"],
        input=as_bytes(BOMB),
        capture_output=True,
        check=False,
    )

    assert done.returncode == 2
    assert done.stdout == b""
    assert done.stderr.decode() == (
        "error: <stdin>: document 1: line 7: its aliases expand to more than 2,000,000 values\n"
    )
