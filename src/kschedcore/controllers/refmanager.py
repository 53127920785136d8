"""Adoption and release of objects by their owner (``ControllerRefManager``).

An owner adopts the orphans that its selector matches and releases the objects that it no longer matches. Only
the controller reference counts; an owner that is being deleted neither adopts nor releases.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable

from kschedcore.api.machinery.frozen import FrozenDict
from kschedcore.api.machinery.types import UID, Object
from kschedcore.api.objects import LabelSelector, decode
from kschedcore.api.selectors import Selector, label_selector
from kschedcore.client.informer import Change, Informer, Informers, controller_of, key_of
from kschedcore.client.verbs import Client
from kschedcore.controllers.controller import Key, Watch

__all__ = ["claim", "controller_reference", "label_matcher", "selector_of", "watch_orphans"]


_NO_LABELS = FrozenDict()


def controller_reference(owner: Object) -> Object:
    """Return the owner reference of a controller (``metav1.NewControllerRef``)."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def selector_of(owner: Object) -> Selector:
    """Return the label selector of a workload, ``spec.selector``."""
    selector = owner["spec"]["selector"]
    if owner["kind"] == "ReplicationController":
        # A ReplicationController's selector is a map of labels.
        selector = {"matchLabels": selector}
    return label_selector(decode(LabelSelector, selector))


def label_matcher(owner: Object) -> Callable[[Object], bool]:
    """Return a predicate for the objects that a workload selects.

    Replicas of one template share their labels, so results are cached by labels.
    """
    selector = selector_of(owner)
    known: dict[Hashable, bool] = {}

    def selected(obj: Object) -> bool:
        labels = obj["metadata"].get("labels", _NO_LABELS)
        matches = known.get(labels)
        if matches is None:
            matches = known[labels] = selector.matches(labels)
        return matches

    return selected


def claim(
    client: Client,
    informer: Informer,
    owner: Object,
    member: Callable[[Object], bool],
    *,
    eligible: Callable[[Object], bool] = lambda _: True,
) -> list[Object]:
    """Adopt and release objects; return those that ``owner`` controls afterwards.

    Args:
        client: The API.
        informer: The informer of the objects.
        owner: A workload.
        member: Returns whether an object should belong to the owner.
        eligible: Returns whether to consider an object; others are neither changed nor returned.

    Returns:
        The objects that are controlled by ``owner`` and should be, in the order of first appearance.

    Raises:
        StatusError: An owner reference could not be written.
    """
    found = [obj for obj in informer.controlled_by(owner) if eligible(obj)]
    mine = [obj for obj in found if member(obj)]
    if owner["metadata"].get("deletionTimestamp"):
        return mine
    uid = owner["metadata"]["uid"]
    orphans = [
        obj
        for obj in informer.orphans(owner["metadata"]["namespace"])
        if eligible(obj) and member(obj) and not obj["metadata"].get("deletionTimestamp")
    ]
    if len(mine) < len(found):
        for obj in found:
            if not member(obj):
                _write(client, informer, obj, _without(obj, uid))
    for obj in orphans:
        _write(client, informer, obj, [*_without(obj, uid), controller_reference(owner)])
    if not orphans:
        return mine
    return [obj for obj in informer.controlled_by(owner) if eligible(obj) and member(obj)]


def _without(obj: Object, uid: UID) -> list[Object]:
    return [each for each in obj["metadata"].get("ownerReferences", ()) if each["uid"] != uid]


def _write(client: Client, informer: Informer, obj: Object, owners: list[Object]) -> None:
    changed = {**obj, "metadata": {**obj["metadata"], "ownerReferences": owners}}
    client.update(changed, informer.resource)


def watch_orphans(informers: Informers, resource: str, of: str) -> Watch:
    """Watch orphans: a change is about the objects of the resource ``of`` that select the orphan."""

    def keys(change: Change) -> Iterable[Key]:
        orphan = change.new
        if orphan is None or controller_of(orphan) is not None:
            return ()
        labels = orphan["metadata"].get("labels", {})
        owners = informers[of].seen_by("namespace", orphan["metadata"]["namespace"])
        return [key_of(each) for each in owners if selector_of(each).matches(labels)]

    return Watch(resource, keys, controlled="")
