"""The engine as a scheduler that random histories can drive, beside the reference model."""

from __future__ import annotations

from typing import Any

from kschedcore.api.manifests import CLUSTER_KEYS, Manifests
from kschedcore.scheduling.engine import Engine

Json = dict[str, Any]


class EngineScheduler:
    """An engine under the names that :class:`tests.strategies.Replay` calls.

    Args:
        cluster: As recorded clusters have it.
        forgetful: Forget every compiled class before each decision, so that nothing is cached.
    """

    def __init__(self, cluster: Json, *, forgetful: bool = False) -> None:
        self.engine = Engine(Manifests.from_cluster(cluster), config=cluster.get("config"))
        self.forgetful = forgetful

    def add_node(self, node: Json) -> None:
        self.engine.set_node(node)

    def remove_node(self, name: str) -> None:
        self.engine.remove_node(name)

    def add_pod(self, pod: Json) -> None:
        self.engine.add_pod(pod)

    def remove_pod(self, namespace: str, name: str) -> None:
        self.engine.remove_pod(name, namespace)

    def set_namespace(self, namespace: Json) -> None:
        self.engine.set_namespace(namespace)

    def set_object(self, kind: str, obj: Json) -> None:
        self.engine.set_object({"kind": CLUSTER_KEYS[kind], **obj})

    def decide(self, pod: Json, *, preempt: bool = True) -> Json:
        if self.forgetful:
            self.engine.forget()
        return self.engine.explain(pod, preempt=preempt).to_step()

    def commit(self, pod: Json, step: Json) -> None:
        if "chosen" in step:
            self.engine.add_pod(pod, step["chosen"])
        elif "nominated" in step:
            for victim in step["victims"]:
                namespace, name = victim.split("/")
                self.engine.remove_pod(name, namespace)
            self.engine.nominate(pod, step["nominated"])
