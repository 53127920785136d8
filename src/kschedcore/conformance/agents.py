"""The node agents of recorded histories: they act on pods only in recorded steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from kschedcore.api.machinery.times import timestamp
from kschedcore.api.machinery.types import Namespace, Object
from kschedcore.client.informer import Informers, controller_of
from kschedcore.client.verbs import Client
from kschedcore.clock import Clock
from kschedcore.controllers.controller import Controller, Key, Requeue, Watch, watch_objects

__all__ = ["Agents", "ImmediateDeletion", "is_ready"]

_INDEX = "batch.kubernetes.io/job-completion-index"
_DAEMON_SET = "DaemonSet"


class ImmediateDeletion(Controller):
    """Finishes pods that are being deleted at once, regardless of their grace period."""

    name = "immediate-deletion"

    def watches(self) -> Iterable[Watch]:
        """Return pods."""
        return (watch_objects("pods"),)

    def reconcile(self, key: Key) -> Requeue | None:
        """Finish one pod."""
        namespace, name = key
        pod = self.informers["pods"].get(namespace, name)
        if pod is not None and pod["metadata"].get("deletionGracePeriodSeconds"):
            self.client.delete("pods", namespace, name, uid=pod["metadata"]["uid"], grace_seconds=0)
        return None


class Agents:
    """The agents of all nodes, as far as the pods of one namespace are concerned.

    Args:
        client: The API.
        informers: The informers of pods and nodes.
        clock: The time, for conditions.
        namespace: The namespace of the pods.
    """

    def __init__(self, client: Client, informers: Informers, clock: Clock, namespace: Namespace) -> None:
        self._client = client
        self._informers = informers
        self._clock = clock
        self._namespace = namespace

    def act(self, action: str, selection: Mapping[str, Any]) -> None:
        """Perform a recorded action on the pods that ``selection`` picks.

        Raises:
            KeyError: There is no such action.
        """
        do, concerns = self._action(action, selection)
        pods = [pod for pod in self._alive(selection) if concerns(pod)]
        if action == "delete":
            # The newest first; pods of one age stay in their order.
            pods.sort(key=_created, reverse=True)
        for pod in pods[: selection.get("count")]:
            do(pod)

    def _action(
        self, action: str, which: Mapping[str, Any]
    ) -> tuple[Callable[[Object], None], Callable[[Object], bool]]:
        """Return the action on a pod, and the predicate of eligible pods."""
        actions: dict[str, tuple[Callable[[Object], None], Callable[[Object], bool]]] = {
            "ready": (self._ready, lambda pod: not is_ready(pod)),
            "unready": (self._unready, is_ready),
            "finish": (lambda pod: self._finish(pod, which["phase"]), lambda _: True),
            "delete": (self._delete, lambda _: True),
        }
        return actions[action]

    def _alive(self, which: Mapping[str, Any]) -> list[Object]:
        """Return the pods that are neither finished nor terminating, in the order of the agents."""
        pods = self._informers["pods"].in_namespace(self._namespace)
        return sorted((pod for pod in pods if _alive(pod) and _picked(pod, which)), key=_order)

    def _ready(self, pod: Object) -> None:
        if not pod["spec"].get("nodeName"):
            self._bind(pod)
        self._report(pod, "Running", ready=True)

    def _unready(self, pod: Object) -> None:
        self._report(pod, "Running", ready=False)

    def _finish(self, pod: Object, phase: str) -> None:
        if not pod["spec"].get("nodeName"):
            self._bind(pod)
        terminated = {"exitCode": 0 if phase == "Succeeded" else 1}
        names = [container["name"] for container in pod["spec"]["containers"]]
        statuses = [{"name": name, "state": {"terminated": terminated}} for name in names]
        self._report(pod, phase, ready=False, containerStatuses=statuses)

    def _delete(self, pod: Object) -> None:
        self._client.delete("pods", self._namespace, pod["metadata"]["name"], uid=pod["metadata"]["uid"])

    def _bind(self, pod: Object) -> None:
        target = {"kind": "Node", "name": _own_node(pod) or self._emptiest()}
        metadata = {"name": pod["metadata"]["name"], "namespace": self._namespace}
        binding = {"apiVersion": "v1", "kind": "Binding", "metadata": metadata, "target": target}
        self._client.subresource("pods", self._namespace, metadata["name"], "binding", binding)

    def _emptiest(self) -> str:
        nodes: dict[str, int] = {node["metadata"]["name"]: 0 for node in self._informers["nodes"].all()}
        for pod in self._informers["pods"].all():
            if pod["spec"].get("nodeName") in nodes:
                nodes[pod["spec"]["nodeName"]] += 1
        return min(nodes, key=lambda name: (nodes[name], name))

    def _report(self, pod: Object, phase: str, *, ready: bool, **more: Any) -> None:
        current = self._informers["pods"].get(self._namespace, pod["metadata"]["name"])
        if current is None:
            return
        status = current.get("status", {})
        others = [each for each in status.get("conditions", ()) if each["type"] != "Ready"]
        condition = {
            "type": "Ready",
            "status": "True" if ready else "False",
            "lastTransitionTime": timestamp(self._clock.now()),
        }
        changed = {**status, "phase": phase, "conditions": [*others, condition], **more}
        self._client.update_status({**current, "status": changed}, "pods")


def is_ready(pod: Object) -> bool:
    """Return whether the pod's Ready condition is true."""
    conditions = pod.get("status", {}).get("conditions", ())
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _alive(pod: Object) -> bool:
    phase: str = pod.get("status", {}).get("phase", "Pending")
    return phase in ("Pending", "Running") and not pod["metadata"].get("deletionTimestamp")


def _picked(pod: Object, which: Mapping[str, Any]) -> bool:
    facts = {"image": pod["spec"]["containers"][0]["image"], "name": pod["metadata"]["name"]}
    return all(which.get(key, fact) == fact for key, fact in facts.items())


def _order(pod: Object) -> tuple[int, str, str]:
    metadata = pod["metadata"]
    index = metadata.get("annotations", {}).get(_INDEX, "0")
    return int(index), _created(pod), metadata["name"]


def _created(pod: Object) -> str:
    created: str = pod["metadata"]["creationTimestamp"]
    return created


def _own_node(pod: Object) -> str | None:
    """Return the node in a daemon pod's affinity."""
    if (controller_of(pod) or {}).get("kind") != _DAEMON_SET:
        return None
    required = pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    [field] = required["nodeSelectorTerms"][0]["matchFields"]
    name: str = field["values"][0]
    return name
