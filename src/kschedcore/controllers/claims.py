"""Who controls what: an owner adopts the orphans that its selector matches, and lets go of what it does not.

The rules of Kubernetes' ``ControllerRefManager``: only the controller reference says whose an object is; the
selector says whose it should be; an owner that is being deleted takes nothing and frees nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable

from kschedcore.api.machinery.frozen import FrozenDict
from kschedcore.api.machinery.types import Object
from kschedcore.api.objects import LabelSelector, decode
from kschedcore.api.selectors import Selector, label_selector
from kschedcore.client.informer import Change, Informer, Informers, controller_of, key_of
from kschedcore.client.verbs import Client
from kschedcore.controllers.controller import Key, Watched

__all__ = ["adopters", "claim", "controller_reference", "selected_by", "selector_of"]


_NO_LABELS = FrozenDict()


def controller_reference(owner: Object) -> Object:
    """The owner reference by which ``owner`` controls an object (``metav1.NewControllerRef``)."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def selector_of(owner: Object) -> Selector:
    """The label selector of a workload, ``spec.selector``."""
    selector = owner["spec"]["selector"]
    if owner["kind"] == "ReplicationController":
        # Its selector is older than label selectors: labels and their values.
        selector = {"matchLabels": selector}
    return label_selector(decode(LabelSelector, selector))


def selected_by(owner: Object) -> Callable[[Object], bool]:
    """Whether an object carries the labels that a workload selects.

    Replicas of one template share their labels, which are looked at once.
    """
    selector = selector_of(owner)
    known: dict[Hashable, bool] = {}

    def selected(obj: Object) -> bool:
        labels = obj["metadata"].get("labels", _NO_LABELS)
        answer = known.get(labels)
        if answer is None:
            answer = known[labels] = selector.matches(labels)
        return answer

    return selected


def claim(
    client: Client,
    informer: Informer,
    owner: Object,
    member: Callable[[Object], bool],
    *,
    eligible: Callable[[Object], bool] = lambda _: True,
) -> list[Object]:
    """Adopt and release, and say what is ``owner``'s afterwards.

    Args:
        client: Writes the owner references.
        informer: Knows the objects.
        owner: A workload.
        member: Whether an object should be the owner's.
        eligible: Which objects to look at; the others stay as they are and are not returned.

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


def _without(obj: Object, uid: str) -> list[Object]:
    return [each for each in obj["metadata"].get("ownerReferences", ()) if each["uid"] != uid]


def _write(client: Client, informer: Informer, obj: Object, owners: list[Object]) -> None:
    changed = {**obj, "metadata": {**obj["metadata"], "ownerReferences": owners}}
    client.update(changed, informer.resource)


def adopters(informers: Informers, resource: str, of: str) -> Watched:
    """Changes of an object that nobody controls are about those of the resource ``of`` that select it."""

    def keys(change: Change) -> Iterable[Key]:
        orphan = change.new
        if orphan is None or controller_of(orphan) is not None:
            return ()
        labels = orphan["metadata"].get("labels", {})
        owners = informers[of].seen_by("namespace", orphan["metadata"]["namespace"])
        return [key_of(each) for each in owners if selector_of(each).matches(labels)]

    return Watched(resource, keys, controlled="")
