"""``kschedcore serve`` as a user types it."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.serving.conftest import Client

from kschedcore.cli.entry import main

NODE = """
apiVersion: v1
kind: Node
metadata: {name: only}
status: {allocatable: {cpu: "4", memory: 8Gi, pods: "110"}}
"""


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str, Client]]:
    command = [sys.executable, "-m", "kschedcore", "serve", "--bind", "127.0.0.1:0", *arguments]
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        printed = "".join(process.stdout.readline() for _ in range(3))
        client = Client((folder / "kschedcore.kubeconfig").read_text(), folder)
        try:
            yield process, printed, client
        finally:
            client.close()
            process.kill()


def test_it_serves_until_it_is_stopped(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kschedcore.kubeconfig"
    with serving(tmp_path) as (process, printed, client):
        assert printed == (
            f"serving Kubernetes v1.36 with 3 nodes at {client.url.geturl()}\n"
            "whoever has the kubeconfig may do anything: roles are stored, not enforced\n"
            f"export KUBECONFIG={kubeconfig}\n"
        )
        assert kubeconfig.stat().st_mode & 0o777 == 0o600
        assert len(client.send("GET", "/api/v1/nodes")[1]["items"]) == 3
        watch = client.watch("/api/v1/nodes?watch=true")
        process.send_signal(signal.SIGTERM)
        watch.read()
        assert process.wait(60) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert not kubeconfig.exists()


def test_objects_of_files_exist(tmp_path: Path) -> None:
    (tmp_path / "node.yaml").write_text(NODE)
    with serving(tmp_path, "-f", "node.yaml", "--without", "nodes,scheduler") as (_, printed, client):
        assert "with 1 node at" in printed
        assert [each["metadata"]["name"] for each in client.send("GET", "/api/v1/nodes")[1]["items"]] == [
            "only"
        ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--bind", "0.0.0.0:6443"], "--bind 0.0.0.0:6443: only loopback addresses are served"),
        (["--bind", "6443"], "--bind 6443: expected ADDRESS:PORT"),
        (["--bind", "127.0.0.1:99999"], "--bind 127.0.0.1:99999: expected ADDRESS:PORT"),
        (["--bind", "here:1"], "--bind here:1: 'here' is no address"),
        (["--speed", "0"], "--speed 0: expected a number above 0, or max"),
        (["--speed", "nan"], "--speed nan: expected a number above 0, or max"),
        (["--without", "kubelet"], "component 'kubelet' is unknown; expected one of"),
        (["--kubeconfig", "there"], "--kubeconfig there: the file exists; name another, or give --overwrite"),
        (["--kubeconfig", "none/there"], "none/there: No such file or directory"),
        (["-f", "missing.yaml"], "missing.yaml"),
    ],
)
def test_bad_input_is_one_clear_line(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").write_text("mine")
    monkeypatch.setattr(sys, "argv", ["kschedcore", "serve", "--bind", "127.0.0.1:0", *arguments])
    with pytest.raises(SystemExit) as end:
        sys.exit(main())
    assert end.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"error: {message}") or message in captured.err
    assert captured.err.count("\n") == 1
    assert (tmp_path / "there").read_text() == "mine"


def test_a_port_that_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(sys, "argv", ["kschedcore", "serve", "--bind", f"127.0.0.1:{port}"])
        with pytest.raises(SystemExit) as end:
            sys.exit(main())
    assert end.value.code == 2
    assert (
        capsys.readouterr().err == f"error: 127.0.0.1:{port}: cannot listen there: Address already in use\n"
    )
    assert list(tmp_path.iterdir()) == []
