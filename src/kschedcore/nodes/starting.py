"""The containers of a pod to start: init containers in order with their sidecars, then app containers.

Pure decisions (kubelet's ``computePodActions``); the pod worker carries them out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kschedcore.nodes.containers import Container

__all__ = ["Plan", "plan"]


class Plan(NamedTuple):
    """The containers to start.

    Attributes:
        start: The containers to start.
        over: Whether the pod has completed: containers that still run are stopped.
    """

    start: Sequence[Container]
    over: bool


def plan(restart_policy: str, containers: Sequence[Container]) -> Plan:
    """Return the containers to start.

    An init container has to succeed, and a sidecar to have started, before the next one is started; then all app
    containers are started. Terminated containers are restarted by the restart policy; sidecars always.

    Args:
        restart_policy: The pod's restart policy.
        containers: The pod's containers, init containers first.
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
        # A sidecar that terminates later is restarted without blocking the next containers.
        if at >= furthest and not (each.role == "sidecar" and each.started):
            return Plan(start, over=False)
    return Plan([*start, *(each for each in containers if each.role == "app")], over=False)
