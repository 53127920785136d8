"""The real kubectl against a served cluster prints what it printed against a real one.

``data/sessions.json`` holds what kubectl v1.37.1 printed against Kubernetes v1.36.2. Both sides are normalised:
names that are drawn, times, versions and addresses differ from run to run.
"""

from __future__ import annotations

import difflib
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.serving.programs import program

import kschedcore as ks
from kschedcore.serving import ServedCluster

DATA = Path(__file__).parent / "data"
RECORDED = json.loads((DATA / "sessions.json").read_text())
NODES = list(yaml.safe_load_all((DATA / "nodes.yaml").read_text()))

_KINDS = "the kinds of this group are not served yet"
_ACCESS = "access is not decided yet: whoever authenticates may do anything"
_OWN = "the server and its user are called otherwise here"
_DESCRIPTIONS = "descriptions of fields are Kubernetes' own text, which is not part of this project"
DIFFERENCES = {
    ("create", "create role r --verb=get,list --resource=pods"): _KINDS,
    ("create", "create rolebinding rb --role=r --serviceaccount=NS:bot"): _KINDS,
    ("create", "get role,rolebinding"): _KINDS,
    ("discovery", "api-versions"): _KINDS,
    ("discovery", "api-resources"): _KINDS,
    ("discovery", "api-resources --namespaced=false -o name"): _KINDS,
    ("discovery", "auth can-i create pods"): _ACCESS,
    ("discovery", "auth can-i --list --as=system:serviceaccount:NS:default"): _ACCESS,
    ("discovery", "auth can-i get pods --as=nobody"): _ACCESS,
    ("discovery", "auth whoami -o json"): _ACCESS,
    ("discovery", "get --raw /version"): _OWN,
    ("discovery", "get --raw /api"): _OWN,
    ("discovery", "config view --minify -o jsonpath={.contexts[0].name}"): _OWN,
    ("discovery", "explain pod"): _DESCRIPTIONS,
    ("discovery", "explain pod.spec.containers.resources"): _DESCRIPTIONS,
    ("discovery", "explain deployment.spec.strategy"): _DESCRIPTIONS,
    ("discovery", "explain deployment --recursive --api-version=apps/v1"): _DESCRIPTIONS,
}
"""Commands whose text differs, and why."""

_HASH = "[0-9a-f]{8,10}"
_SUFFIX = "[bcdfghjklmnpqrstvwxz2456789]{5}"
_REPLACEMENTS = [
    (r"(?:/tmp/)?(LIVE|MERGED)-\d+/?", r"\1/"),
    (r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<uid>"),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z| ?[+-]\d\d:?\d\d)", "<time>"),
    (r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}", "<time>"),
    (r'(resourceVersion"?: )"\d+"', r'\1"<rv>"'),
    (r"\b10\.\d+\.\d+\.\d+\b", "<ip>"),
    (r"(\d+):3[0-2]\d{3}/", r"\1:<nodePort>/"),
    (rf"(?<=-){_HASH}-{_SUFFIX}\b", "<hash>-<sfx>"),
    (rf"((?:pod-template|controller-revision)-hash[=:] ?(?:\w+-)?){_HASH}", r"\1<hash>"),
    (rf"(?<=-){_HASH}\b", "<hash>"),
    (rf"(?<=-){_SUFFIX}\b", "<sfx>"),
    (r"(?<=\s)(?:(?:\d+[smhd])+|<invalid>)(?=\s|$)", "<age>"),
    (r"\(x\d+ over \S+\)", "(xN over <age>)"),
    (r"^diff -u -N ", "diff -u "),
    (r" {2,}", "  "),
]


def normal(text: str, namespace: str = "NS", server: str = "<server>", folder: str = "DIR/") -> str:
    text = text.replace(server, "<server>").replace(folder, "DIR/")
    text = re.sub(rf"\b{re.escape(namespace)}\b", "NS", text)
    for pattern, replacement in _REPLACEMENTS:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")


def _report(wanted: dict[str, Any], found: dict[str, Any]) -> str:
    lines = [f"exit {found['exit']}, recorded {wanted['exit']}"]
    for stream in ("stdout", "stderr"):
        before, after = wanted.get(stream, "").splitlines(), found.get(stream, "").splitlines()
        lines += difflib.unified_diff(before, after, f"recorded {stream}", f"our {stream}", lineterm="", n=1)
    return "\n".join(lines)


@pytest.fixture
def served() -> Iterator[ServedCluster]:
    """The three nodes of the recording, without agents and without the controllers that would miss them."""
    without = ["nodes", "node-lifecycle-controller", "taint-eviction-controller"]
    with (
        ks.Cluster.simulated(nodes=NODES, without=without) as cluster,
        ServedCluster(cluster).start() as server,
    ):
        yield server


@pytest.mark.parametrize("session", RECORDED["sessions"])
def test_sessions(session: str, served: ServedCluster, tmp_path: Path) -> None:
    kubectl = program("kubectl")
    for name, text in RECORDED["files"].items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (tmp_path / "kubeconfig").write_text(served.kubeconfig)
    namespace = f"sess-{session}"
    environment = {"KUBECONFIG": str(tmp_path / "kubeconfig"), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [kubectl, *arguments],
            env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        served.run_for("1s")
        return done

    def shown(text: str) -> str:
        return normal(text, namespace, served.url, f"{tmp_path}/")

    assert run("create", "namespace", namespace).returncode == 0
    different: dict[str, str] = {}
    for command in RECORDED["sessions"][session]:
        done = run("-n", namespace, *(part.replace("NS", namespace) for part in command["args"]))
        found: dict[str, Any] = {"exit": done.returncode}
        wanted: dict[str, Any] = {"exit": command["exit"]}
        if "stdout" in command:
            found |= {"stdout": shown(done.stdout), "stderr": shown(done.stderr)}
            wanted |= {"stdout": normal(command["stdout"]), "stderr": normal(command.get("stderr", ""))}
        if found != wanted:
            different[" ".join(command["args"])] = _report(wanted, found)
    listed = {command for name, command in DIFFERENCES if name == session}
    reports = [f"$ {command}\n{report}" for command, report in different.items() if command not in listed]
    assert not reports, "\n".join(reports)
    assert set(different) == listed, "a listed difference is gone: take it off the list"
