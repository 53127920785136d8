"""Cluster events and queueing hints: which events may make a rejected pod schedulable (KEP-4247).

A pod without a feasible node is retried only after an event that may help according to one of the plugins that
rejected it. A hint is called with one event and one pod. It may return True for an event that does not help, but must
not return False for one that does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from kschedcore.api.machinery.changes import Change
from kschedcore.api.machinery.types import Object
from kschedcore.api.objects import Pod
from kschedcore.api.phases import has_ended

if TYPE_CHECKING:
    from kschedcore.engine.plugin import Plugin

__all__ = ["DEVICES", "STORAGE", "Events", "Hint", "QueueingHints"]

Hint = Callable[[Change, Pod], bool]
"""Return whether an event may make a rejected pod schedulable."""

Events = Mapping[str, Hint]
"""Resource -> hint; events of absent resources never help. ``pods`` are bound pods."""

STORAGE = (
    "persistentvolumeclaims",
    "persistentvolumes",
    "storageclasses.storage.k8s.io",
    "csinodes.storage.k8s.io",
    "csidrivers.storage.k8s.io",
    "csistoragecapacities.storage.k8s.io",
    "volumeattachments.storage.k8s.io",
)
"""Resources that determine where a pod's volumes can be used."""

DEVICES = (
    "resourceclaims.resource.k8s.io",
    "resourceslices.resource.k8s.io",
    "deviceclasses.resource.k8s.io",
)
"""Resources that determine where a pod's devices can be allocated."""


def always(_change: Change, _pod: Pod) -> bool:
    """Queue the pod after any event (a nil QueueingHintFn)."""
    return True


def created(change: Change, _pod: Pod) -> bool:
    """Return whether the object is new."""
    return change.old is None


def written(change: Change, _pod: Pod) -> bool:
    """Return whether the object was created or updated."""
    return change.new is not None


def deleted(change: Change, _pod: Pod) -> bool:
    """Return whether the object was deleted."""
    return change.new is None


def pod_left(change: Change, _pod: Pod) -> bool:
    """Return whether a bound pod was deleted or has terminated."""
    old, new = change.old, change.new
    return old is not None and not has_ended(old) and (new is None or has_ended(new))


def pod_moved_between_domains(change: Change, _pod: Pod) -> bool:
    """Return whether the pods that a label selector selects may differ: a pod was added, removed or relabelled."""
    old, new = change.old, change.new
    if old is None or new is None or bool(old["spec"].get("nodeName")) != bool(new["spec"].get("nodeName")):
        return True
    leaving = bool(old["metadata"].get("deletionTimestamp")) != bool(new["metadata"].get("deletionTimestamp"))
    return leaving or has_ended(old) != has_ended(new) or labels_of(old) != labels_of(new)


def counted(pod: Object | None) -> Object | None:
    """Return a pod that counts on its node, None if it has none or has ended."""
    return pod if pod is not None and pod["spec"].get("nodeName") and not has_ended(pod) else None


def node_created_or_relabelled(change: Change, _pod: Pod) -> bool:
    """Return whether a node is new or has other labels."""
    old, new = change.old, change.new
    return old is None or (new is not None and labels_of(old) != labels_of(new))


def node_set_changed(change: Change, pod: Pod) -> bool:
    """Return whether a node was added, deleted or relabelled."""
    return change.new is None or node_created_or_relabelled(change, pod)


def labels_of(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an object's labels."""
    labels: Mapping[str, Any] = obj["metadata"].get("labels", {})
    return labels


class QueueingHints:
    """The events that the plugins of all profiles register, by plugin.

    Args:
        profiles: Scheduler name -> the profile's plugins.
    """

    def __init__(self, profiles: Mapping[str, Iterable[Plugin]]) -> None:
        self._of: dict[str, dict[str, Events | None]] = {
            name: {plugin.name: plugin.events() for plugin in plugins} for name, plugins in profiles.items()
        }

    @property
    def resources(self) -> frozenset[str]:
        """The resources whose events a plugin registers."""
        every = [events for plugins in self._of.values() for events in plugins.values()]
        return frozenset().union(*[events.keys() for events in every if events is not None])

    def may_concern(self, plugin: str, resource: str) -> bool:
        """Return whether events of a resource may help any pod that a plugin rejected."""
        found = [plugins[plugin] for plugins in self._of.values() if plugin in plugins]
        return not found or any(events is None or resource in events for events in found)

    def may_help(self, scheduler: str, plugin: str, resource: str, change: Change, pod: Pod) -> bool:
        """Return whether an event may help a pod.

        Args:
            scheduler: The pod's profile.
            plugin: The plugin that rejected it; any event may help where no plugin of the profile has the name
                (an extender, for example).
            resource: The resource of the event.
            change: The event.
            pod: The pod.
        """
        events = self._of[scheduler].get(plugin)
        if events is None:
            return True
        hint = events.get(resource)
        return hint is not None and hint(change, pod)
