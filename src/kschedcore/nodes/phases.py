"""A pod's phase: one pure function of its containers' states (kubelet's ``getPhase``)."""

from __future__ import annotations

from collections.abc import Sequence

from kschedcore.nodes.containers import Container, Running, Terminated, Waiting

__all__ = ["pod_phase"]


def pod_phase(restart_policy: str, containers: Sequence[Container], *, over: bool) -> str:
    """The phase that a pod's containers add up to.

    Args:
        restart_policy: The pod's.
        containers: All of them; init containers come first.
        over: Whether the pod is to end, so that nothing will be started again.

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
    """Whether an init container has ended once: one that is to be tried again does not hold the phase back."""
    state = init.state
    return type(state) is Terminated or (type(state) is Waiting and init.last is not None)


def _is_first_wait(container: Container) -> bool:
    return type(container.state) is Waiting and container.last is None


def _stopped(restart_policy: str, apps: Sequence[Container], *, over: bool) -> str:
    """The phase of a pod none of whose containers runs, and all of which have."""
    assert not any(type(each.state) is Running for each in apps)
    succeeded = all(type(each.state) is Terminated and each.state.code == 0 for each in apps)
    if over:
        return "Succeeded" if succeeded else "Failed"
    if restart_policy == "Always":
        return "Running"
    if succeeded:
        return "Succeeded"
    return "Failed" if restart_policy == "Never" else "Running"
