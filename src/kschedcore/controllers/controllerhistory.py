"""ControllerRevisions: the numbered history of the pod template of a StatefulSet or DaemonSet.

A revision stores the pod template as a strategic merge patch. Its name contains a hash of the template, so that the
same template has the same revision: a rollback gives the earlier revision the next number instead of creating another
(``pkg/controller/history``; "Rollbacks" in the StatefulSet's reference).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from kschedcore.api.machinery.status import StatusError
from kschedcore.api.machinery.types import Object
from kschedcore.client.informer import Informer
from kschedcore.client.verbs import Client
from kschedcore.controllers.refmanager import claim, controller_reference, selector_of

__all__ = ["POD_LABEL", "Current", "History", "revision_hash", "template_of"]

POD_LABEL = "controller-revision-hash"
"""The label with the revision of a pod."""

_RESOURCE = "controllerrevisions.apps"
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_PREFIX_LIMIT = 223
"""Maximum length of the owner's name in a revision's name, so that the hash fits."""

Labels = Callable[[str], dict[str, str]]
"""The labels of a revision beside those of the template, for its hash."""


class Current(NamedTuple):
    """The revision of an owner's present template.

    Attributes:
        revision: The ControllerRevision.
        collisions: Number of name collisions with other revisions, for the owner's ``status.collisionCount``.
    """

    revision: Object
    collisions: int


class History:
    """The ControllerRevisions of workloads.

    Args:
        client: The API.
        informer: The informer of revisions.
        labels: The labels of revisions for their hash.
    """

    def __init__(self, client: Client, informer: Informer, labels: Labels) -> None:
        self._client = client
        self._informer = informer
        self._labels = labels

    def revisions(self, owner: Object) -> list[Object]:
        """Return the owner's revisions, the oldest first; orphans that it selects are adopted.

        Raises:
            StatusError: An owner reference could not be written.
        """
        selector = selector_of(owner)

        def member(revision: Object) -> bool:
            return selector.matches(revision["metadata"].get("labels", {}))

        return sorted(claim(self._client, self._informer, owner, member), key=_age)

    def current(self, owner: Object, revisions: Sequence[Object]) -> Current:
        """Return the revision of the owner's template: the existing one, with the highest number, or a new one.

        Args:
            owner: A StatefulSet or DaemonSet.
            revisions: Its revisions, the oldest first.

        Raises:
            StatusError: The revision could not be written.
        """
        data, collisions = _data(owner), owner.get("status", {}).get("collisionCount", 0)
        number = revisions[-1]["revision"] + 1 if revisions else 1
        equal = [each for each in revisions if each["data"] == data]
        if not equal:
            return self._create(owner, data, number, collisions)
        if equal[-1] is revisions[-1]:
            return Current(equal[-1], collisions)
        return Current(self._client.update({**equal[-1], "revision": number}, _RESOURCE), collisions)

    def _create(self, owner: Object, data: Object, number: int, collisions: int) -> Current:
        metadata, template = owner["metadata"], owner["spec"]["template"].get("metadata", {})
        while True:
            suffix = revision_hash(data, collisions)
            name = f"{metadata['name'][:_PREFIX_LIMIT]}-{suffix}"
            revision = {
                "apiVersion": "apps/v1",
                "kind": "ControllerRevision",
                "metadata": {
                    "name": name,
                    "labels": {**template.get("labels", {}), **self._labels(suffix)},
                    "annotations": metadata.get("annotations", {}),
                    "ownerReferences": [controller_reference(owner)],
                },
                "data": data,
                "revision": number,
            }
            try:
                return Current(self._client.create(_RESOURCE, metadata["namespace"], revision), collisions)
            except StatusError as refusal:
                if refusal.reason != "AlreadyExists":
                    raise
            taken = self._informer.get(metadata["namespace"], name)
            if taken is not None and taken["data"] == data:
                return Current(taken, collisions)
            collisions += 1

    def truncate(self, revisions: Sequence[Object], live: Collection[str], surplus: int) -> None:
        """Delete the oldest revisions that are not in use.

        Args:
            revisions: The oldest first.
            live: Names of revisions to keep.
            surplus: Maximum number of revisions to delete.

        Raises:
            StatusError: One could not be deleted.
        """
        spare = [each["metadata"] for each in revisions if each["metadata"]["name"] not in live]
        for metadata in spare[: max(surplus, 0)]:
            self._client.delete(_RESOURCE, metadata["namespace"], metadata["name"], uid=metadata["uid"])


def template_of(revision: Object) -> Object:
    """Return the pod template of a revision."""
    template = revision["data"]["spec"]["template"]
    return {key: value for key, value in template.items() if key != "$patch"}


def revision_hash(data: Object, collisions: int) -> str:
    """Return the hash in a revision's name (``HashControllerRevision``): FNV-1 of its JSON, in safe characters."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    # Go's encoder escapes these for HTML.
    for character in "&<>\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    value = 2166136261
    for byte in f"{text}{collisions}".encode():
        value = (value * 16777619 & 0xFFFFFFFF) ^ byte
    return "".join(_LETTERS[ord(digit) % len(_LETTERS)] for digit in str(value))


def _data(owner: Object) -> Object:
    return {"spec": {"template": {**owner["spec"]["template"], "$patch": "replace"}}}


def _age(revision: Object) -> tuple[int, str, str]:
    metadata = revision["metadata"]
    return revision["revision"], metadata["creationTimestamp"], metadata["name"]
