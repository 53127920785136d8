"""Which containers of a pod are to be started: init containers in order, sidecars beside them, then the rest.

Pure decisions (kubelet's ``computePodActions``); the pod worker carries them out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kschedcore.nodes.containers import Container

__all__ = ["Plan", "plan"]


class Plan(NamedTuple):
    """What is to be done about a pod's containers.

    Attributes:
        start: Those that do not run and should.
        over: Whether the pod has come to its end: what still runs is to be stopped.
    """

    start: Sequence[Container]
    over: bool


def plan(restart_policy: str, containers: Sequence[Container]) -> Plan:
    """Decide what is to be started.

    An init container has to succeed, and a sidecar to have started, before the next one begins; then all
    others start side by side. What has ended is started again as the restart policy says; a sidecar always is.

    Args:
        restart_policy: The pod's.
        containers: All of them, init containers first.
    """
    apps = [each for each in containers if each.role == "app"]
    sidecars = [each for each in containers if each.role == "sidecar"]
    if not any(each.begun or each.launch is not None for each in apps):
        return _initialise(restart_policy, containers)
    if all(each.idle and each.begun and not each.restarts_after(restart_policy) for each in apps):
        return Plan((), over=True)
    start = [each for each in sidecars if each.idle]
    start += [each for each in apps if each.idle and each.restarts_after(restart_policy)]
    return Plan(start, over=False)


def _initialise(restart_policy: str, containers: Sequence[Container]) -> Plan:
    inits = [each for each in containers if each.role != "app"]
    furthest = max((at for at, each in enumerate(inits) if each.begun), default=0)
    start: list[Container] = []
    for at, each in enumerate(inits):
        if each.role == "init" and each.succeeded:
            continue
        if each.role == "init" and each.idle and not each.restarts_after(restart_policy):
            return Plan((), over=True)
        if each.idle:
            start.append(each)
        # A sidecar that ends later on is started again without holding up what comes after it.
        if at >= furthest and not (each.role == "sidecar" and each.started):
            return Plan(start, over=False)
    return Plan([*start, *(each for each in containers if each.role == "app")], over=False)
