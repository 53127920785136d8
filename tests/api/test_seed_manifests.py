"""The manifests of the seed's notes as they stand there, each file named after its section, typing errors included."""

from __future__ import annotations

from pathlib import Path

import pytest

from kschedcore.api.objects import Toleration
from kschedcore.errors import ManifestError
from kschedcore.manifests.manifests import Manifests
from kschedcore.rules.amounts import pod_requests

SEED = Path(__file__).parent / "seed"

OBJECTS = {
    "deployment-example": ("Deployment", "default", "nginx-deployment"),
    "resource-limit-range": ("LimitRange", "default", "lr-test"),
    "scheduling-node-affinity": ("Pod", "default", "with-node-affinity"),
    "scheduling-pod-overhead": ("RuntimeClass", "", "kata-fc"),
}

REFUSED = {
    "scheduling-node-selector": "line 1: Pod: apiVersion: is missing; "
    "did you mean 'apiVersion' where it says 'apiversion'?",
    "scheduling-resource-limits": "line 1: Pod: apiVersion: is missing; "
    "did you mean 'apiVersion' where it says 'apiversion'?",
    "taints-and-tolerations": "line 1: apiVersion: is missing",
    "yaml-format-list-block": "line 1: found a string, expected an object with apiVersion, kind and metadata",
    "yaml-format-list-flow": "line 1: apiVersion: is missing",
    "yaml-format-pairs-block": "line 1: apiVersion: is missing",
    "yaml-format-pairs-flow": "line 1: apiVersion: is missing",
}


def text_of(name: str) -> str:
    return (SEED / f"{name}.yaml").read_text(encoding="utf-8")


def load(folder: Path, text: str) -> Manifests:
    file = folder / "seed.yaml"
    file.write_text(text, encoding="utf-8")
    return Manifests.load(file)


def fault(folder: Path, text: str) -> str:
    with pytest.raises(ManifestError) as caught:
        load(folder, text)
    return str(caught.value).removeprefix(f"{folder}/seed.yaml: ")


def test_every_manifest_is_reported() -> None:
    assert {file.stem for file in SEED.iterdir()} == OBJECTS.keys() | REFUSED.keys()


@pytest.mark.parametrize("name", OBJECTS)
def test_loads(name: str) -> None:
    assert list(Manifests.load(SEED / f"{name}.yaml").objects) == [OBJECTS[name]]


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused(name: str, tmp_path: Path) -> None:
    assert fault(tmp_path, text_of(name)) == f"document 1: {REFUSED[name]}"


def test_a_dash_stuck_to_its_key_is_found_once_the_version_is_right(tmp_path: Path) -> None:
    text = text_of("scheduling-node-selector").replace("apiversion", "apiVersion")

    assert fault(tmp_path, text) == (
        "document 1: line 8: Pod default/frontend: spec.containers: found an object, expected a list; "
        "is the space after the dash of '-name' missing?"
    )
    (pod,) = load(tmp_path, text.replace("  -name", "- name")).pending
    assert pod.spec.node_selector == {"env_role": "dev"}


def test_quantities_may_have_spaces_around_them(tmp_path: Path) -> None:
    text = text_of("scheduling-resource-limits").replace("apiversion", "apiVersion")

    assert "is the space after the dash of '-name' missing?" in fault(tmp_path, text)
    (pod,) = load(
        tmp_path, text.replace("  -name: db", "- name: db").replace("    -name :", "  - name :")
    ).pending
    assert pod_requests(pod.spec) == {"cpu": 250, "memory": 64 * 2**20}


def test_both_tolerations_are_read(tmp_path: Path) -> None:
    block = "\n".join(f"  {line}" for line in text_of("taints-and-tolerations").splitlines())
    spec = f"  containers: [{{name: c, image: app}}]\n{block}"
    text = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec:\n{spec}\n"

    (pod,) = load(tmp_path, text).pending

    assert (pod.spec.tolerations or ())[:2] == (
        Toleration(key="key1", operator="Equal", value="value1", effect="NoSchedule"),
        Toleration(key="key1", operator="Exists", effect="NoSchedule"),
    )


def test_the_deployment_has_three_pods() -> None:
    pods = Manifests.load(SEED / "deployment-example.yaml").pending

    assert [pod.metadata.name for pod in pods] == [f"nginx-deployment-{n}" for n in range(3)]
    assert all((pod.metadata.labels or {})["app"] == "nginx" for pod in pods)


def test_the_overhead_of_a_runtime_counts(tmp_path: Path) -> None:
    spec = "{runtimeClassName: kata-fc, containers: [{name: c, image: app}]}"
    pod = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {spec}\n"

    (pending,) = load(tmp_path, f"{text_of('scheduling-pod-overhead')}\n---\n{pod}").pending

    assert pod_requests(pending.spec) == {"cpu": 250, "memory": 120 * 2**20}
