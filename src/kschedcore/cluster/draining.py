"""``kubectl drain``: empty a node through evictions, as far as disruption budgets allow."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from kschedcore.api.machinery.status import StatusError
from kschedcore.api.machinery.types import Object
from kschedcore.api.phases import has_ended
from kschedcore.client.informer import Informers, controller_of
from kschedcore.client.verbs import Client
from kschedcore.cluster.results import Result, Results
from kschedcore.errors import DrainTimeoutError, UsageError

__all__ = ["DrainOptions", "DrainTimeoutError", "evict_pods", "pods_to_evict"]

RETRY = timedelta(seconds=5)
"""Interval of retries of an eviction that a disruption budget refused."""

_MIRROR = "kubernetes.io/config.mirror"


@dataclass(frozen=True, slots=True)
class DrainOptions:
    """Options of a drain.

    Attributes:
        ignore_daemonsets: Ignore DaemonSet pods instead of refusing to drain.
        force: Also evict pods without a controller.
        delete_emptydir_data: Also evict pods with emptyDir volumes.
        grace_seconds: Grace period of the pods; their own by default.
    """

    ignore_daemonsets: bool = False
    force: bool = False
    delete_emptydir_data: bool = False
    grace_seconds: int | None = None


def pods_to_evict(pods: Iterable[Object], options: DrainOptions) -> list[Object]:
    """Return the pods of a node that a drain evicts.

    Raises:
        UsageError: Some pods need an option; the message names the pods and the option.
    """
    wanted, problems = [], dict[str, list[str]]()

    def refuse(why: str, pod: Object) -> None:
        problems.setdefault(why, []).append(f"{pod['metadata']['namespace']}/{pod['metadata']['name']}")

    for pod in pods:
        if _MIRROR in pod["metadata"].get("annotations", {}):
            continue
        ended = has_ended(pod)
        controller = controller_of(pod)
        if controller is not None and controller["kind"] == "DaemonSet" and not ended:
            if not options.ignore_daemonsets:
                refuse("cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore)", pod)
            continue
        if controller is None and not ended and not options.force:
            refuse("cannot delete Pods that declare no controller (use --force to override)", pod)
        if _has_empty_dir(pod) and not ended and not options.delete_emptydir_data:
            refuse("cannot delete Pods with local storage (use --delete-emptydir-data to override)", pod)
        wanted.append(pod)
    if problems:
        raise UsageError(", ".join(f"{why}: {', '.join(names)}" for why, names in problems.items()))
    return wanted


def _has_empty_dir(pod: Object) -> bool:
    return any("emptyDir" in volume for volume in pod["spec"].get("volumes", ()))


def evict_pods(
    client: Client,
    informers: Informers,
    pods: list[Object],
    options: DrainOptions,
    *,
    run_until: Callable[[datetime], None],
    now: Callable[[], datetime],
    end: datetime | None,
) -> Results:
    """Evict pods and wait until they are deleted.

    Args:
        client: The client.
        informers: Informers, to see which pods are left.
        pods: The pods to evict.
        options: Options of the drain.
        run_until: Advances the time of the cluster.
        now: Returns the current time.
        end: When to give up; None for never.

    Raises:
        DrainTimeoutError: Some were still there at the end.
    """
    results, waiting, gone = Results(), list(pods), set[str]()
    refused: set[str] = {pod["metadata"]["uid"] for pod in pods}
    while waiting:
        for pod in waiting:
            if pod["metadata"]["uid"] in refused and _evict(client, pod, options):
                refused.discard(pod["metadata"]["uid"])
                metadata = pod["metadata"]
                results.append(Result(pod, f"evicting pod {metadata['namespace']}/{metadata['name']}"))
        step = now() + RETRY
        run_until(step if end is None else min(step, end))
        left = [pod for pod in waiting if _still_there(informers, pod)]
        for pod in waiting:
            if pod not in left and pod["metadata"]["uid"] not in gone:
                gone.add(pod["metadata"]["uid"])
                results.append(Result(None, f"pod/{pod['metadata']['name']} evicted"))
        waiting = left
        if waiting and end is not None and now() >= end:
            names = ", ".join(f"{p['metadata']['namespace']}/{p['metadata']['name']}" for p in waiting)
            raise DrainTimeoutError(f"drain did not complete within its timeout: still there: {names}")
    return results


def _evict(client: Client, pod: Object, options: DrainOptions) -> bool:
    metadata = pod["metadata"]
    body: Object = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"]},
    }
    if options.grace_seconds is not None:
        body["deleteOptions"] = {"gracePeriodSeconds": options.grace_seconds}
    try:
        client.subresource("pods", metadata["namespace"], metadata["name"], "eviction", body)
    except StatusError as refusal:
        if refusal.code == 404:
            return True
        if refusal.code == 429:
            return False
        raise
    return True


def _still_there(informers: Informers, pod: Object) -> bool:
    metadata = pod["metadata"]
    found = informers["pods"].get(metadata["namespace"], metadata["name"])
    return found is not None and found["metadata"]["uid"] == metadata["uid"]
