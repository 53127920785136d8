"""Client-side apply: sets fields of the manifest, removes fields that it dropped, keeps fields of other writers."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kschedcore.api.machinery.types import DEFAULT_NAMESPACE
from kschedcore.apiserver import APIServer
from kschedcore.client.verbs import Client
from kschedcore.clock import SimulatedClock
from kschedcore.cluster.applying import apply_manifests

NAMES = st.sampled_from(["a", "b", "c"])
VALUES = st.sampled_from(["1", "2"])
LABELS = st.dictionaries(NAMES, VALUES, max_size=3)
ENV = st.dictionaries(st.sampled_from(["X", "Y", "Z"]), VALUES, max_size=3)
CONTAINERS = st.dictionaries(NAMES, ENV, min_size=1, max_size=3)
FINALIZERS = st.lists(st.sampled_from(["example.com/p", "example.com/q"]), unique=True)

WANTED = st.fixed_dictionaries({"labels": LABELS, "containers": CONTAINERS, "finalizers": FINALIZERS})
OTHERS = st.fixed_dictionaries({
    "labels": st.dictionaries(st.sampled_from(["o", "p"]), VALUES, max_size=2),
    "containers": st.dictionaries(st.sampled_from(["o", "p"]), ENV, max_size=2),
    "env": st.dictionaries(st.sampled_from(["O", "P"]), VALUES, max_size=2),
})  # fmt: skip


def manifest(wanted: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "labels": wanted["labels"], "finalizers": wanted["finalizers"]},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": containers(wanted["containers"])},
            },
        },
    }


def containers(wanted: dict[str, dict[str, str]]) -> list[dict[str, Any]]:
    return [
        {"name": name, "image": "nginx", "env": [{"name": key, "value": value} for key, value in env.items()]}
        for name, env in wanted.items()
    ]


def seen(obj: dict[str, Any]) -> dict[str, Any]:
    spec = obj["spec"]["template"]["spec"]
    return {
        "labels": dict(obj["metadata"].get("labels", {})),
        "finalizers": set(obj["metadata"].get("finalizers", ())),
        "containers": {
            each["name"]: {var["name"]: var["value"] for var in each.get("env", ())}
            for each in spec["containers"]
        },
    }


@settings(max_examples=150)
@given(WANTED, OTHERS, WANTED)
def test_manifest_after_manifest_beside_others(
    first: dict[str, Any], others: dict[str, Any], second: dict[str, Any]
) -> None:
    client = Client(APIServer(clock=SimulatedClock()), "kubectl")

    def apply(wanted: dict[str, Any]) -> str:
        return str(apply_manifests(client, [manifest(wanted)], DEFAULT_NAMESPACE))

    assert apply(first) == "deployment.apps/web created"
    touched = next(iter(first["containers"]))
    added = [
        *containers(others["containers"]),
        {"name": touched, "env": [{"name": key, "value": value} for key, value in others["env"].items()]},
    ]
    client.named("other-manager").patch(
        "deployments.apps", DEFAULT_NAMESPACE, "web",
        {"metadata": {"labels": others["labels"]}, "spec": {"template": {"spec": {"containers": added}}}},
        kind="strategic-merge",
    )  # fmt: skip
    apply(second)
    found = client.get("deployments.apps", DEFAULT_NAMESPACE, "web")
    assert found is not None
    wanted = {name: dict(env) for name, env in second["containers"].items()}
    wanted |= {name: dict(env) for name, env in others["containers"].items()}
    if touched in second["containers"]:
        wanted[touched] |= others["env"]
    assert seen(found) == {
        "labels": second["labels"] | others["labels"],
        "finalizers": set(second["finalizers"]),
        "containers": wanted,
    }
    assert apply(second) == "deployment.apps/web unchanged"
