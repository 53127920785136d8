"""From the process to a command and back: exit statuses, errors, signals, start-up."""

from __future__ import annotations

import signal
import socket
import struct
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.cli.conftest import DATA, Run

from kschedcore.cli import run
from kschedcore.cli.app import COMMANDS
from kschedcore.version import __version__

BAD_LINES = [
    ("schedul", "error: No such command 'schedul'. Did you mean 'schedule', "),
    ("schedule", "error: no manifests: name files, folders or - for standard input with -f\n"),
    ("schedule -f nowhere.yaml", "error: nowhere.yaml: "),
    ("schedule -f app.yaml --frobnicate", "error: No such option"),
    ("schedule -f app.yaml -o xml", "error: Invalid value for '-o' / '--output'"),
    ("schedule -f app.yaml --tie-break last", "error: Invalid value for '--tie-break'"),
    ("schedule -f app.yaml --replicas many", "error: --replicas many: expected N or NAME=N"),
    ("schedule -f app.yaml --replicas web=-1", "error: --replicas web=-1: expected N or NAME=N"),
    ("schedule -f app.yaml --replicas nothing=3", "error: --replicas nothing=3: no workload of that name"),
    ("schedule -f app.yaml -l 'app in web'", "error: --selector app in web: "),
    ("schedule -f app.yaml -n ghost", "error: -n ghost: selects no pending pod\n"),
    ("fit -f app.yaml -l app=ghost", "error: -l app=ghost: selects no pending pod\n"),
    ("fit -f cluster.yaml -l a=b -n c", "error: -n c -l a=b: selects no pending pod\n"),
    ("schedule -f cluster.yaml --config nowhere.yaml", "error: nowhere.yaml: "),
    ("explain", "error: Missing argument 'POD'."),
    ("explain web-9 -f app.yaml", "error: pod 'web-9' not found; did you mean web-"),
    ("explain web-0 -f app.yaml -n ghost", "error: pod 'web-0' not found in namespace 'ghost'"),
    (
        "explain web-0 -f cluster.yaml -f app.yaml --sort-by age",
        "error: --sort-by age: expected total, name or one",
    ),
    ("fit", "error: no manifests"),
    ("extender", "error: no manifests"),
    ("extender -f cluster.yaml --api nowhere", "error: nowhere: expected http://HOST:PORT"),
    ("extender -f cluster.yaml --host 192.0.2.1 --port 0", "error: cannot listen on 192.0.2.1 port 0: "),
    ("conformance", "error: Missing argument 'PATH...'."),
    ("conformance nowhere", "error: nowhere: no such file or folder\n"),
    ("conformance . --min 2", "error: --min 2: expected a share from 0 to 1, such as 0.95 or 95%\n"),
    ("conformance . -o name", "error: Invalid value for '-o' / '--output'"),
    ("demo --save .", "error: --save .: it exists already; expected the name of a new folder\n"),
]


@pytest.mark.parametrize(("line", "message"), BAD_LINES)
def test_a_bad_command_line_is_one_message_and_status_2(command: Run, line: str, message: str) -> None:
    result = command(line)
    assert result.status == 2
    assert result.err.startswith(message)
    assert "Traceback" not in result.err
    assert result.err == "" or result.out == ""


def test_help_of_a_command(command: Run) -> None:
    assert command("help fit") == command("fit --help")
    assert command("help nothing").err.startswith("error: No such command 'nothing'.")


@pytest.mark.parametrize("flag", ["-V", "--version"])
def test_the_version(command: Run, flag: str) -> None:
    result = command(flag)
    assert (result.status, result.out) == (0, f"kschedcore {__version__}\n")


@pytest.mark.parametrize("flag", ["-h", "--help", "", "help"])
def test_help_lists_every_command(command: Run, flag: str) -> None:
    result = command(flag)
    assert result.status == 0
    assert all(module.__name__.rpartition(".")[2] in result.out for module in COMMANDS)


@pytest.mark.parametrize("module", COMMANDS)
def test_every_command_explains_itself_with_an_example(command: Run, module: object) -> None:
    name = str(getattr(module, "__name__", "")).rpartition(".")[2]
    result = command(f"{name} --help")
    assert result.status == 0
    assert "kschedcore " + name in " ".join(result.out.split()).partition("Options:")[2]


@pytest.mark.parametrize("width", [60, 100, 200])
@pytest.mark.parametrize("module", COMMANDS)
def test_help_is_as_wide_as_the_terminal_and_breaks_no_example(
    command: Run, monkeypatch: pytest.MonkeyPatch, module: object, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    name, epilog = str(getattr(module, "__name__", "")).rpartition(".")[2], str(getattr(module, "EPILOG", ""))
    lines = command(f"{name} --help").out.splitlines()
    examples = [line for line in epilog.splitlines() if line.startswith("  ")]
    assert examples
    assert set(examples) <= set(lines)
    assert max(len(line) for line in lines if line not in examples) <= width
    if name != "completion":
        assert max(map(len, lines)) > min(width, 100) - 20


class TestFaults:
    def explode(self, error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
        def load(*_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr("kschedcore.cli.fit.load", load)

    def test_a_fault_of_ours_is_status_3_and_no_traceback(
        self, command: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.explode(KeyError("slot"), monkeypatch)
        result = command("fit -f app.yaml")
        assert result.status == 3
        assert result.err == (
            "error: internal error: KeyError: 'slot'"
            " (this is a fault of kschedcore; KSCHEDCORE_DEBUG=1 shows where)\n"
        )

    def test_an_internal_error_shows_its_traceback_on_request(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.explode(KeyError("slot"), monkeypatch)
        monkeypatch.setenv("KSCHEDCORE_DEBUG", "1")
        with pytest.raises(KeyError):
            run(["fit", "-f", "app.yaml"])

    def test_ctrl_c_is_quiet(self, command: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        self.explode(KeyboardInterrupt(), monkeypatch)
        result = command("fit -f app.yaml")
        assert (result.status, result.out, result.err) == (130, "", "")

    def test_an_unreadable_file_is_named(self, command: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        self.explode(PermissionError(13, "Permission denied", "secret.yaml"), monkeypatch)
        result = command("fit -f secret.yaml")
        assert (result.status, result.err) == (2, "error: secret.yaml: Permission denied\n")


class TestProcess:
    """Behaviour that needs a process of its own."""

    def kschedcore(self, *arguments: str, cwd: Path) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "kschedcore", *arguments],
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def test_a_reader_that_leaves_is_no_error(self, tmp_path: Path) -> None:
        with self.kschedcore("demo", cwd=tmp_path) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            assert process.stderr.read() == ""
        assert process.returncode in {-13, 141}

    def shell(self, line: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        for name in ("cluster.yaml", "app.yaml"):
            (cwd / name).write_bytes((DATA / name).read_bytes())
        return subprocess.run(
            ["bash", "-c", line.replace("K ", f"'{sys.executable}' -m kschedcore ")],
            cwd=cwd,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )

    @pytest.mark.parametrize(
        ("line", "status", "message"),
        [
            (
                "K schedule -f cluster.yaml -f app.yaml >&-",
                2,
                "error: standard output: Bad file descriptor\n",
            ),
            ("K --help >&-", 2, "error: Bad file descriptor\n"),
            ("K schedule -f cluster.yaml >&- 2>&-", 2, ""),
            ("K schedule -f cluster.yaml -f app.yaml >/dev/null 2>&-", 0, ""),
            ("K schedule -f nowhere.yaml 2>&-", 2, ""),
            ("K schedule -f cluster.yaml -f app.yaml >/dev/full", 2, "error: No space left on device\n"),
            ("K schedule -f cluster.yaml -f app.yaml | true; exit ${PIPESTATUS[0]}", 141, ""),
            ("K --help | true; exit ${PIPESTATUS[0]}", 141, ""),
            ("K schedule -f nowhere.yaml 2> >(true)", 2, ""),
            (
                "K schedule -f ''",
                2,
                "error: --filename '': expected a file, a folder or - for standard input\n",
            ),
            ("K schedule -f /dev/zero", 2, "error: /dev/zero: holds NUL bytes; expected a manifest\n"),
        ],
    )
    def test_streams_that_fail(self, line: str, status: int, message: str, tmp_path: Path) -> None:
        done = self.shell(line, tmp_path)
        assert (done.returncode, done.stderr) == (status, message)

    def test_a_client_that_hangs_up_does_not_end_the_extender(self, tmp_path: Path) -> None:
        """Writing to its closed socket raises SIGPIPE, which the process ignores."""
        (tmp_path / "cluster.yaml").write_bytes((DATA / "cluster.yaml").read_bytes())
        with (
            self.kschedcore("extender", "-f", "cluster.yaml", "--port", "0", cwd=tmp_path) as process,
            # A failure here ends the extender, instead of waiting for it.
            ExitStack() as stack,
        ):
            stack.callback(process.kill)
            assert process.stdout is not None
            port = int(process.stdout.readline().rpartition(":")[2])
            body = b'{"Pod": {"metadata": {"name": "p"}}, "NodeNames": []}'
            head = b"POST /filter HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body)
            for _ in range(20):
                with socket.create_connection(("127.0.0.1", port), 600) as client:
                    client.sendall((head + body) * 3)
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            with socket.create_connection(("127.0.0.1", port), 600) as client:
                client.sendall(head + body)
                assert client.recv(15).startswith(b"HTTP/1.1 ")
            assert process.poll() is None
            process.send_signal(signal.SIGINT)
            assert process.wait(600) == 130

    def test_the_exit_status_is_the_process_s(self, tmp_path: Path) -> None:
        with self.kschedcore("schedule", cwd=tmp_path) as process:
            _, err = process.communicate()
        assert (process.returncode, err[:7]) == (2, "error: ")

    def test_no_standard_input_is_an_empty_one(self, tmp_path: Path) -> None:
        line = f"'{sys.executable}' -m kschedcore schedule -f - -o json <&-"
        done = subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (2, "error: -: holds no objects\n")

    def test_starting_imports_nothing_heavy(self, tmp_path: Path) -> None:
        script = (
            "import sys; from kschedcore.cli import run; run(['--version']);"
            "print(*sorted({'numpy', 'pyarrow', 'yaml', 'rich', 'msgspec'} & set(sys.modules)))"
        )
        printed = subprocess.run(
            [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout
        assert printed.splitlines()[1:] == [""]


@pytest.mark.parametrize(
    "line", ["schedule", "fit", "explain web-0", "top", "simulate --duration 1m", "extender --port 0"]
)
def test_strict_refuses_what_is_not_considered(command: Run, line: str) -> None:
    Path("custom.yaml").write_text("apiVersion: example.com/v1\nkind: Rollout\nmetadata: {name: r}\n")
    result = command(f"{line} -f cluster.yaml -f app.yaml -f custom.yaml --strict")
    assert (result.status, result.out) == (2, "")
    assert result.err == "error: --strict: not considered: 1 Rollout\n"
