"""``kubectl apply``, ``create`` and ``delete``: manifests against the cluster.

Apply is kubectl's client-side apply: the manifest is stored in an annotation; the next one is compared with that
and with the live object.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from kschedcore.api.machinery.frozen import plain
from kschedcore.api.machinery.kinds import KINDS, Kind
from kschedcore.api.machinery.status import StatusError, not_found
from kschedcore.api.machinery.types import Namespace, Object
from kschedcore.client.verbs import Client
from kschedcore.cluster.editing import CHANGE_CAUSE
from kschedcore.cluster.results import Result, Results, result_of
from kschedcore.errors import ManifestError
from kschedcore.manifests.creating import plain_json
from kschedcore.manifests.documents import Whole, objects_in
from kschedcore.manifests.loading import Document, read_documents
from kschedcore.manifests.manifests import is_the_same, may_replace
from kschedcore.rules.patches.three_way import three_way_patch

__all__ = [
    "LAST_APPLIED",
    "Manifest",
    "apply_manifests",
    "apply_object",
    "create_manifests",
    "create_object",
    "delete_manifests",
    "delete_object",
    "read",
    "read_served",
]

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

Manifest = str | Path | Document | Mapping[str, Any]
"""A file, a folder, a document that was read, or an object."""


def read(manifests: Iterable[Manifest], namespace: Namespace) -> list[tuple[Whole, Kind]]:
    """Read all manifests.

    Raises:
        ManifestError: One cannot be read, or its kind is not served.
    """
    found = []
    for manifest in manifests:
        for document in _documents(manifest):
            found += [(whole, _kind(whole)) for whole in objects_in(document, namespace)]
    return found


def read_served(
    manifests: Iterable[Manifest], namespace: Namespace
) -> tuple[list[tuple[Whole, Kind]], list[tuple[Whole, Kind]], dict[str, int]]:
    """Read manifests, and count by kind the objects of API groups that the cluster does not serve.

    Duplicates, as in dumps, are read once.

    Returns:
        The objects, the later documents of objects among them, and the counts.

    Raises:
        ManifestError: One cannot be read, or two documents are of different objects that share a name.
    """
    later: list[tuple[Whole, Kind]] = []
    found: dict[tuple[str, str, str], tuple[Whole, Kind]] = {}
    aside = Counter[str]()
    for manifest in manifests:
        for document in _documents(manifest):
            for whole in objects_in(document, namespace):
                kind = _served(whole)
                if kind is None:
                    aside[str(whole.data.get("kind"))] += 1
                    continue
                known = found.setdefault((whole.kind, whole.namespace, whole.name), (whole, kind))
                if known[0] is not whole and not is_the_same(known[0].data, whole.data):
                    if not may_replace(known[0].data, whole.data):
                        problem = f"is defined a second time; the first is in {known[0].place}"
                        raise whole.located(ManifestError(problem))
                    later.append((whole, kind))
    return list(found.values()), later, dict(aside)


_CORE = frozenset({"v1", "apps/v1", "batch/v1"})
"""Groups whose kinds are all served: another kind in them is a mistake."""


def _served(whole: Whole) -> Kind | None:
    """Return an object's kind; None for kinds that are not served, such as custom resources."""
    if whole.kind in ("Event", "Lease"):
        return None
    try:
        return _kind(whole)
    except ManifestError:
        if whole.data.get("apiVersion") in _CORE:
            raise
        return None


def _documents(manifest: Manifest) -> Iterable[Document]:
    if isinstance(manifest, Document):
        return [manifest]
    if isinstance(manifest, Mapping):
        try:
            return [Document(dict(plain_json(manifest)), "<object>", 1)]
        except ManifestError as error:
            raise error.located(source="<object>", document=1) from None
    return read_documents([manifest])


def _kind(whole: Whole) -> Kind:
    api_version, name = whole.data.get("apiVersion", ""), whole.data.get("kind", "")
    for kind in KINDS:
        if (kind.resource.api_version, kind.resource.kind) == (api_version, name):
            return kind
    problem = (
        f'no matches for kind "{name}" in version "{api_version}"; expected a kind that the cluster serves'
    )
    raise whole.located(ManifestError(problem, path="kind"))


def apply_manifests(
    client: Client, manifests: Iterable[Manifest], namespace: Namespace, cause: str = ""
) -> Results:
    """Apply manifests in order.

    Args:
        client: The client.
        manifests: Files, folders or objects.
        namespace: Namespace of objects without one.
        cause: Change cause for the rollout history.

    Raises:
        ManifestError: One cannot be read (nothing is applied then), or the API refuses it.
    """
    apply = partial(_apply, cause=cause)
    return Results([_located(whole, apply, client, kind) for whole, kind in read(manifests, namespace)])


def create_manifests(client: Client, manifests: Iterable[Manifest], namespace: Namespace) -> Results:
    """Create the objects of manifests.

    Raises:
        ManifestError: One cannot be read (nothing is created then), or the API refuses it.
    """
    return Results([create_object(client, kind, whole) for whole, kind in read(manifests, namespace)])


def apply_object(client: Client, kind: Kind, whole: Whole) -> Result:
    """Apply one object.

    Raises:
        ManifestError: The API refuses it.
    """
    return _located(whole, partial(_apply, cause=""), client, kind)


def create_object(client: Client, kind: Kind, whole: Whole) -> Result:
    """Create one object.

    Raises:
        ManifestError: The API refuses it.
    """
    return _located(whole, _create, client, kind)


def delete_manifests(client: Client, manifests: Iterable[Manifest], namespace: Namespace) -> Results:
    """Delete the objects of manifests.

    Raises:
        ManifestError: One cannot be read (nothing is deleted then), or the API refuses it.
    """
    return Results([_located(whole, _delete, client, kind) for whole, kind in read(manifests, namespace)])


def _located(whole: Whole, act: Any, client: Client, kind: Kind) -> Result:
    try:
        result: Result = act(client, kind, whole)
    except StatusError as refusal:
        raise whole.located(ManifestError(refusal.message)) from refusal
    return result


def _create(client: Client, kind: Kind, whole: Whole) -> Result:
    return result_of(kind.resource.qualified, _created(client, kind, whole, dict(whole.data)), "created")


def _created(client: Client, kind: Kind, whole: Whole, obj: Object) -> Object:
    """Create an object; a node's status, which only its agent would write, comes from the manifest."""
    made = client.create(kind.resource.qualified, whole.namespace, obj)
    if kind.resource.kind == "Node" and obj.get("status"):
        made = client.update_status({**made, "status": obj["status"]}, kind.resource.qualified)
    return made


def _apply(client: Client, kind: Kind, whole: Whole, cause: str) -> Result:
    resource = kind.resource.qualified
    wanted = _with_last_applied(whole.data)
    if cause:
        wanted["metadata"]["annotations"][CHANGE_CAUSE] = cause
    live = client.get(resource, whole.namespace, whole.name)
    if live is None:
        return result_of(resource, _created(client, kind, whole, wanted), "created")
    text = live["metadata"].get("annotations", {}).get(LAST_APPLIED)
    patch = three_way_patch(json.loads(text) if text else {}, wanted, live, kind.schema)
    patch.pop("status", None)
    if not patch:
        return result_of(resource, live, "unchanged")
    after = client.named("kubectl-client-side-apply").patch(
        resource, whole.namespace, whole.name, patch, kind="strategic-merge"
    )
    changed = after["metadata"]["resourceVersion"] != live["metadata"]["resourceVersion"]
    return result_of(resource, after, "configured" if changed else "unchanged")


def _with_last_applied(obj: Mapping[str, Any]) -> Object:
    """Return the manifest with the last-applied annotation."""
    wanted = plain(obj)
    annotations = wanted.setdefault("metadata", {}).setdefault("annotations", {})
    annotations.pop(LAST_APPLIED, None)
    text = json.dumps(wanted, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    annotations[LAST_APPLIED] = f"{text}\n"
    return wanted


def _delete(client: Client, kind: Kind, whole: Whole) -> Result:
    return delete_object(client, kind, whole.namespace, whole.name)


def delete_object(
    client: Client, kind: Kind, namespace: Namespace, name: str, grace_seconds: int | None = None
) -> Result:
    """Delete one object.

    Raises:
        StatusError: 404 when there is no such object.
    """
    if not client.delete(kind.resource.qualified, namespace, name, grace_seconds=grace_seconds):
        raise not_found(kind.resource, name)
    group = f".{kind.resource.group}" if kind.resource.group else ""
    place = f" from {namespace} namespace" if namespace else ""
    return Result(None, f'{kind.singular}{group} "{name}" deleted{place}')
