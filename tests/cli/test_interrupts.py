"""Ctrl-C at any moment: what was done until then is printed and marked partial, and the exit status is 130."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from tests.cli.conftest import DATA, Result, Run
from tests.fuzz.engine_operations import Disturber

from kschedcore.conformance import replay as replaying

SCHEDULE = "schedule -f cluster.yaml -f app.yaml"
FIT = "fit -f cluster.yaml -f app.yaml"


def interrupted(command: Run, line: str, every: int) -> Iterator[Result]:
    """Run a command line until it ends by itself, with SIGINT at ever later lines of the engine."""
    steps = 40
    while True:
        disturber = Disturber("signal", steps)
        with disturber.active():
            result = command(line)
        if not disturber.fired:
            return
        yield result
        steps += every


def decided(document: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(each["name"], each["node"]) for each in document["decisions"]]


def test_schedule(command: Run) -> None:
    whole = command(f"{SCHEDULE} -o json").json()
    lengths = set()
    for result in interrupted(command, f"{SCHEDULE} -o json", 997):
        assert (result.status, result.err) == (130, "")
        if not result.out:
            continue  # nothing was placed yet: the cluster was being read
        document = result.json()
        assert document["partial"] is True
        assert decided(document) == decided(whole)[: len(document["decisions"])]
        assert document["placed"] == sum(node is not None for _, node in decided(document))
        requested = document["utilisation"]["pods"]
        assert requested["after"] - requested["before"] == document["placed"]
        lengths.add(len(document["decisions"]))
    assert len(lengths) > 2
    assert whole["partial"] is False


def test_fit(command: Run) -> None:
    whole = {each["name"]: each for each in command(f"{FIT} -o json").json()["workloads"]}
    seen = set()
    for result in interrupted(command, f"{FIT} -o json", 1499):
        assert (result.status, result.err) == (130, "")
        if not result.out:
            continue
        document = result.json()
        assert document["partial"] is True
        assert document["fits"] in (None, False)
        for each in document["workloads"]:
            assert each["more"] in (None, whole[each["name"]]["more"])
        seen.add(tuple(each["more"] is None for each in document["workloads"]))
    assert len(seen) > 1


def test_tables_are_marked_partial(command: Run) -> None:
    assert any(result.out.startswith("partial, interrupted: ") for result in interrupted(command, FIT, 1999))
    sentence = " of 10 pods placed (partial: interrupted after "
    assert any(sentence in result.out for result in interrupted(command, SCHEDULE, 997))


def test_conformance(command: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    recordings = Path(__file__).parents[1] / "conformance" / "data" / "v1.36" / "gates.jsonl.gz"
    guarded, left = replaying._guarded, [3]

    def third(*arguments: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGINT)
        return guarded(*arguments)

    monkeypatch.setattr(replaying, "_guarded", third)
    result = command(f"conformance {recordings} -o json")
    document = result.json()
    assert (result.status, result.err) == (130, "")
    assert document["partial"] is True
    assert sum(each["cases"] for each in document["families"].values()) == 2
    left[0] = 3
    assert command(f"conformance {recordings}").out.endswith("\npartial: interrupted after 2 cases\n")
    left[0] = 3
    rows = list(csv.DictReader(io.StringIO(command(f"conformance {recordings} -o csv").out)))
    assert sum(int(row["cases"]) for row in rows) == 2


class TestProcess:
    """Signals to a process of its own, sent when it is known to be at work."""

    def start(self, folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
        for name in ("cluster.yaml", "app.yaml"):
            (folder / name).write_bytes((DATA / name).read_bytes())
        return subprocess.Popen(
            [sys.executable, "-m", "kschedcore", *arguments],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def test_while_it_reads(self, tmp_path: Path) -> None:
        with self.start(tmp_path, "schedule", "-f", "cluster.yaml", "-f", "-") as process:
            assert process.stdin is not None
            process.stdin.write(b"# a comment\n" * 100_000)  # more than a pipe holds: it is reading
            process.stdin.flush()
            while (
                process.poll() is None
            ):  # a read that has just begun sees a signal when it ends, the next one at once
                process.send_signal(signal.SIGINT)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(1)
            assert process.returncode == 130
            assert process.stdout is not None
            assert process.stderr is not None
            assert (process.stdout.read(), process.stderr.read()) == (b"", b"")

    def test_while_it_places(self, tmp_path: Path) -> None:
        """An extender that sends the signal before its third answer."""
        processes: list[subprocess.Popen[bytes]] = []
        calls: list[str] = []

        class Extender(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                calls.append(body["Pod"]["metadata"]["name"])
                if len(calls) == 3:
                    processes[0].send_signal(signal.SIGINT)
                answer = json.dumps({"NodeNames": body["NodeNames"]}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Extender) as server:
            Thread(target=server.serve_forever, daemon=True).start()
            (tmp_path / "config.yaml").write_text(
                "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nextenders:\n"
                f"- {{urlPrefix: 'http://127.0.0.1:{server.server_address[1]}', filterVerb: filter,"
                " nodeCacheCapable: true}\n"
            )
            arguments = "schedule -f cluster.yaml -f app.yaml -l app=web --config config.yaml -o json".split()  # noqa: SIM905
            with self.start(tmp_path, *arguments) as process:
                processes.append(process)
                out, err = process.communicate(timeout=60)
            server.shutdown()
        assert (process.returncode, err) == (130, b"")
        document = json.loads(out)
        assert document["partial"] is True
        assert [each["name"] for each in document["decisions"]] == calls[:2]
