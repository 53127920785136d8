"""Preemption in the extender: reprieve victims that kube-scheduler chose."""

from __future__ import annotations

from collections.abc import Sequence

from kschedcore.api.objects import Pod
from kschedcore.engine.binding import key_of
from kschedcore.extender.state import ClusterView, uid_of

__all__ = ["needed_victims"]


def needed_victims(view: ClusterView, pod: Pod, node: str, victims: Sequence[str]) -> list[str] | None:
    """Dry-run a preemption on one node: the pod must fit without the victims; then victims are reprieved while it fits.

    As in DefaultPreemption's dry run, the most important victim is reprieved first. The view is unchanged afterwards.

    Args:
        view: The cluster.
        pod: The preemptor.
        node: The node.
        victims: UIDs, the most important first. Unknown ones stay victims and take no resources.

    Returns:
        The UIDs of the pods that have to be evicted; None if the pod does not fit without any of them. All of them
        if none has to be evicted: kube-scheduler then has a reason that the extender does not know.
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
