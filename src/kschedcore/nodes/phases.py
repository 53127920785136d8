"""A pod's phase, a pure function of its containers' states (kubelet's ``getPhase``)."""

from __future__ import annotations

from collections.abc import Sequence

from kschedcore.nodes.containers import Container, Running, Terminated, Waiting

__all__ = ["pod_phase"]


def pod_phase(restart_policy: str, containers: Sequence[Container], *, over: bool) -> str:
    """Return the phase of a pod from its containers.

    Args:
        restart_policy: The pod's restart policy.
        containers: The pod's containers, init containers first.
        over: Whether the pod is terminating, so that no container is started again.

    Returns:
        ``Pending``, ``Running``, ``Succeeded`` or ``Failed``.
    """
    inits = [each for each in containers if each.role == "init"]
    if restart_policy == "Never" and any(_failed(each) for each in inits):
        return "Failed"
    if any(not _was_tried(each) for each in inits):
        return "Pending"
    apps = [each for each in containers if each.role == "app"]
    sidecars = [each for each in containers if each.role == "sidecar"]
    if any(_is_first_wait(each) for each in (*apps, *sidecars)):
        return "Pending"
    if any(each.running and not each.started for each in sidecars) and not any(each.begun for each in apps):
        return "Pending"
    if any(each.running for each in (*apps, *sidecars)):
        return "Running"
    return _stopped(restart_policy, apps, over=over)


def _failed(container: Container) -> bool:
    ended = container.ended
    return ended is not None and ended.code != 0


def _was_tried(init: Container) -> bool:
    """Return whether an init container has terminated once: one that is retried does not affect the phase."""
    state = init.state
    return type(state) is Terminated or (type(state) is Waiting and init.last is not None)


def _is_first_wait(container: Container) -> bool:
    return type(container.state) is Waiting and container.last is None


def _stopped(restart_policy: str, apps: Sequence[Container], *, over: bool) -> str:
    """Return the phase of a pod all of whose containers ran and none runs now."""
    assert not any(type(each.state) is Running for each in apps)
    succeeded = all(type(each.state) is Terminated and each.state.code == 0 for each in apps)
    if over:
        return "Succeeded" if succeeded else "Failed"
    if restart_policy == "Always":
        return "Running"
    if succeeded:
        return "Succeeded"
    return "Failed" if restart_policy == "Never" else "Running"
