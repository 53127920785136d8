"""Validation of Pod: new pods and updates (``ValidatePodUpdate``)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import copy
from typing import Any

from kschedcore.api.machinery import field_errors as fe
from kschedcore.api.machinery.field_errors import FieldError
from kschedcore.api.machinery.frozen import FrozenDict
from kschedcore.api.machinery.remembered import remembered
from kschedcore.rules.validation.internal_json import difference
from kschedcore.rules.validation.metadata import (
    dns_subdomain_name,
    validate_metadata,
    validate_metadata_update,
)
from kschedcore.rules.validation.pods import validate_pod_spec

__all__ = ["CREATE", "UPDATE"]

_MAX_INT32 = (1 << 31) - 1
_UPDATABLE = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def _validate_pod(pod: dict[str, Any]) -> Iterable[FieldError]:
    """Validate a new pod."""
    of_metadata = validate_metadata(pod["metadata"], dns_subdomain_name, namespaced=True)
    return [*of_metadata, *_new_spec_errors(pod["spec"])]


@remembered
def _spec_errors(spec: FrozenDict) -> tuple[FieldError, ...]:
    """Return the errors of a complete spec, cached for the replicas of a template."""
    return (*validate_pod_spec(spec, "spec"), *_padded_images(spec))


def _padded_images(spec: dict[str, Any]) -> Iterator[FieldError]:
    """Refuse images with spaces around them, which pod templates may have."""
    for key in ("containers", "initContainers"):
        for index, container in enumerate(spec.get(key) or ()):
            image = container.get("image", "")
            if image.strip() != image:
                detail = "must not have leading or trailing whitespace"
                yield fe.invalid(f"spec.{key}[{index}].image", image, detail)


@remembered
def _new_spec_errors(spec: FrozenDict) -> tuple[FieldError, ...]:
    errors = [*_spec_errors(spec)]
    if spec.get("ephemeralContainers"):
        errors.append(fe.forbidden("spec.ephemeralContainers", "cannot be set on create"))
    if spec.get("nodeName") and spec.get("schedulingGates"):
        detail = "cannot be set until all schedulingGates have been cleared"
        errors.append(fe.forbidden("spec.nodeName", detail))
    return tuple(errors)


def _validate_pod_update(pod: dict[str, Any], old: dict[str, Any]) -> Iterable[FieldError]:
    """Validate an update: images, deadlines, added tolerations; while gated also node selection and gates."""
    yield from validate_metadata_update(pod["metadata"], old["metadata"])
    yield from validate_metadata(pod["metadata"], dns_subdomain_name, namespaced=True, was=old["metadata"])
    spec, was = pod["spec"], old["spec"]
    if spec is was:
        # It was valid when it was stored; a binding only adds the node name, which was validated.
        return
    yield from _spec_errors(spec)
    resized = list(_containers_added_or_removed(spec, was))
    yield from resized
    if resized:
        return
    deadline = list(_deadline(spec, was))
    yield from deadline
    if deadline:
        return
    yield from _gates(spec, was)
    yield from _tolerations(spec, was)
    munged = _without_updatable(spec, was)
    if was.get("schedulingGates"):
        yield from _gated(munged, was)
    if munged != was:
        changes = difference("core.v1.PodSpec", was, munged)
        yield fe.forbidden("spec", f"{_UPDATABLE}\n{changes}")


def _containers_added_or_removed(spec: dict[str, Any], was: dict[str, Any]) -> Iterator[FieldError]:
    for key in ("containers", "initContainers"):
        if len(spec.get(key) or ()) != len(was.get(key) or ()):
            yield fe.forbidden(f"spec.{key}", "pod updates may not add or remove containers")


def _deadline(spec: dict[str, Any], was: dict[str, Any]) -> Iterator[FieldError]:
    path = "spec.activeDeadlineSeconds"
    new, old = spec.get("activeDeadlineSeconds"), was.get("activeDeadlineSeconds")
    if new is not None:
        if not 0 <= new <= _MAX_INT32:
            yield fe.invalid(path, new, f"must be between 0 and {_MAX_INT32}, inclusive")
        elif old is not None and old < new:
            yield fe.invalid(path, new, "must be less than or equal to previous value")
    elif old is not None:
        yield fe.invalid(path, None, "must not update from a positive integer to nil value")


def _gates(spec: dict[str, Any], was: dict[str, Any]) -> Iterator[FieldError]:
    known = {gate.get("name") for gate in was.get("schedulingGates", ())}
    for index, gate in enumerate(spec.get("schedulingGates", ())):
        if gate.get("name") not in known:
            detail = f"only deletion is allowed, but found new scheduling gate '{gate.get('name', '')}'"
            yield fe.forbidden(f"spec.schedulingGates[{index}].name", detail)


def _tolerations(spec: dict[str, Any], was: dict[str, Any]) -> Iterator[FieldError]:
    def identity(toleration: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in toleration.items() if key != "tolerationSeconds"}

    kept = [identity(toleration) for toleration in spec.get("tolerations", ())]
    if any(identity(toleration) not in kept for toleration in was.get("tolerations", ())):
        detail = "existing toleration can not be modified except its tolerationSeconds"
        yield fe.forbidden("spec.tolerations", detail)


def _without_updatable(spec: dict[str, Any], was: dict[str, Any]) -> dict[str, Any]:
    """Return the new spec with the old values of mutable fields."""
    munged = copy(spec)
    for key in ("containers", "initContainers"):
        if was.get(key):
            pairs = zip(spec[key], was[key], strict=True)
            munged[key] = [{**new, "image": old.get("image", "")} for new, old in pairs]
    grace = was.get("terminationGracePeriodSeconds")
    shortened = grace is not None and grace < 0 and spec.get("terminationGracePeriodSeconds") == 1
    keys = ["activeDeadlineSeconds", "schedulingGates", "tolerations"]
    for key in [*keys, "terminationGracePeriodSeconds"] if shortened else keys:
        munged.pop(key, None)
        if key in was:
            munged[key] = was[key]
    return munged


def _gated(munged: dict[str, Any], was: dict[str, Any]) -> Iterator[FieldError]:
    """Validate the node selection of a gated pod, which may be narrowed (KEP-3838); undo valid changes in it."""
    new, old = munged.get("nodeSelector", {}), was.get("nodeSelector", {})
    if new != old:
        if any(new.get(key) != value for key, value in old.items()):
            detail = "only additions to spec.nodeSelector are allowed (no mutations or deletions)"
            yield fe.invalid("spec.nodeSelector", new, detail)
        munged.pop("nodeSelector", None)
        if old:
            munged["nodeSelector"] = old
    new_affinity, old_affinity = munged.get("affinity", {}), was.get("affinity", {})
    if new_affinity.get("nodeAffinity") != old_affinity.get("nodeAffinity"):
        yield from _narrowed(new_affinity.get("nodeAffinity", {}), old_affinity.get("nodeAffinity", {}))
        rest = {key: value for key, value in new_affinity.items() if key != "nodeAffinity"}
        if "nodeAffinity" in old_affinity:
            rest["nodeAffinity"] = old_affinity["nodeAffinity"]
        munged.pop("affinity", None)
        if rest or "affinity" in was:
            munged["affinity"] = rest


def _narrowed(new: dict[str, Any], old: dict[str, Any]) -> Iterator[FieldError]:
    """Return whether required terms are only narrowed: none added or removed, and each with more requirements."""
    if _REQUIRED not in old:
        return
    path = f"spec.affinity.nodeAffinity.{_REQUIRED}.nodeSelectorTerms"
    old_terms = old[_REQUIRED].get("nodeSelectorTerms") or []
    new_terms = new.get(_REQUIRED, {}).get("nodeSelectorTerms") or []
    if old_terms and len(old_terms) != len(new_terms):
        detail = "no additions/deletions to non-empty NodeSelectorTerms list are allowed"
        yield fe.invalid(path, fe.go_struct("[]core.NodeSelectorTerm", new_terms), detail)
        return
    for index, (term, before) in enumerate(zip(new_terms, old_terms, strict=False)):
        if not _only_additions(term, before):
            struct = fe.go_struct("core.NodeSelectorTerm", term)
            detail = "only additions are allowed (no mutations or deletions)"
            yield fe.invalid(f"{path}[{index}]", struct, detail)


def _only_additions(term: dict[str, Any], before: dict[str, Any]) -> bool:
    if not before and term:
        # An empty term matches no node; adding requirements would widen it.
        return False
    keys = ("matchExpressions", "matchFields")
    return all(term.get(key, [])[: len(before.get(key, []))] == before.get(key, []) for key in keys)


CREATE = {"Pod": _validate_pod}
UPDATE = {"Pod": _validate_pod_update}
