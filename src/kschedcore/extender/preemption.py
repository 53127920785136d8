"""The extender's say in a preemption: which of the victims that kube-scheduler chose could stay."""

from __future__ import annotations

from collections.abc import Sequence

from kschedcore.api.objects import Pod
from kschedcore.engine.binding import key_of
from kschedcore.extender.state import ClusterView, uid_of

__all__ = ["needed_victims"]


def needed_victims(view: ClusterView, pod: Pod, node: str, victims: Sequence[str]) -> list[str] | None:
    """Dry-run a preemption on one node: without its victims the pod must fit, then who can stays.

    As in DefaultPreemption's dry run, the most important victim is the first to be put back. Nothing stays changed.

    Args:
        view: The cluster.
        pod: The pod that needs room.
        node: Where.
        victims: UIDs, the most important first. Those that are not known stay victims, and take nothing.

    Returns:
        The UIDs of those that have to go; None when the pod would not fit even so. All of them when none would
        have to go: the caller sees an obstacle that is not known here.
    """
    off = [found for uid in victims if (found := view.bound(uid, node)) is not None]
    for victim in off:
        view.engine.remove_pod(*reversed(key_of(victim)))
    gone = {uid_of(victim): victim for victim in off}
    try:
        if not view.fits(pod, node):
            return None
        for uid, victim in list(gone.items()):
            view.engine.add_pod(victim, node)
            if view.fits(pod, node):
                del gone[uid]
            else:
                view.engine.remove_pod(*reversed(key_of(victim)))
        known = {uid_of(victim) for victim in off}
        return [uid for uid in victims if uid in gone or uid not in known] or list(victims)
    finally:
        for victim in gone.values():
            view.engine.add_pod(victim, node)
