"""Validation of Deployment, ReplicaSet, StatefulSet, DaemonSet and ReplicationController."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from kschedcore.api.machinery import field_errors as fe
from kschedcore.api.machinery.field_errors import FieldError
from kschedcore.rules.validation.common import (
    fixed_fields,
    int_or_percent_value,
    non_negative,
    one_of,
    read_selector,
    validate_int_or_percent,
    validate_label_selector,
)
from kschedcore.rules.validation.metadata import (
    dns_label_name,
    dns_subdomain_name,
    validate_metadata,
    validate_metadata_update,
)
from kschedcore.rules.validation.pods import validate_pod_template

__all__ = ["CREATE", "UPDATE"]

_TemplateRule = Callable[[dict[str, Any], str], Iterable[FieldError]]
_STATEFUL_SET_UPDATABLE = (
    "replicas", "template", "updateStrategy", "persistentVolumeClaimRetentionPolicy", "minReadySeconds",
    "ordinals", "revisionHistoryLimit",
)  # fmt: skip


def _selector(spec: dict[str, Any], kind: str) -> Iterator[FieldError]:
    selector = spec.get("selector")
    if selector is None:
        yield fe.required("spec.selector")
        return
    yield from validate_label_selector(selector, "spec.selector")
    if not selector:
        struct = fe.go_struct("v1.LabelSelector", selector)
        yield fe.invalid("spec.selector", struct, f"empty selector is invalid for {kind}")


def _template(spec: dict[str, Any], rule: _TemplateRule, invalid_selector: str) -> Iterator[FieldError]:
    """Validate the template, whose labels the selector must match, unless the selector is invalid."""
    selector = spec.get("selector")
    try:
        matches = read_selector(selector).matches
    except ValueError:
        struct = fe.go_struct("v1.LabelSelector", selector)
        yield fe.invalid("spec.selector", struct, invalid_selector)
        return
    labels = spec["template"]["metadata"].get("labels", {})
    if not matches(labels):
        printed = labels or fe.NULL
        detail = "`selector` does not match template `labels`"
        yield fe.invalid("spec.template.metadata.labels", printed, detail)
    yield from rule(spec["template"], "spec.template")


def _restarting_template(template: dict[str, Any], path: str) -> Iterator[FieldError]:
    """Validate a template whose pods always restart and have no deadline."""
    yield from validate_pod_template(template, path)
    yield from _always_restarts(template["spec"], f"{path}.spec")


def _always_restarts(spec: dict[str, Any], path: str) -> Iterator[FieldError]:
    if spec["restartPolicy"] in ("OnFailure", "Never"):
        yield fe.not_supported(f"{path}.restartPolicy", spec["restartPolicy"], ("Always",))
    if "activeDeadlineSeconds" in spec:
        yield fe.forbidden(
            f"{path}.activeDeadlineSeconds", "activeDeadlineSeconds in ReplicaSet is not Supported"
        )


def _deployment_spec(spec: dict[str, Any]) -> Iterator[FieldError]:
    yield from non_negative(spec.get("replicas"), "spec.replicas")
    yield from _selector(spec, "deployment")
    yield from _template(spec, _restarting_template, "invalid label selector")
    yield from _deployment_strategy(spec["strategy"])
    yield from non_negative(spec.get("minReadySeconds"), "spec.minReadySeconds")
    yield from non_negative(spec.get("revisionHistoryLimit"), "spec.revisionHistoryLimit")
    deadline = spec.get("progressDeadlineSeconds")
    yield from non_negative(deadline, "spec.progressDeadlineSeconds")
    if deadline is not None and deadline <= spec.get("minReadySeconds", 0):
        yield fe.invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds")


def _deployment_strategy(strategy: dict[str, Any]) -> Iterator[FieldError]:
    rolling = strategy.get("rollingUpdate")
    if strategy["type"] == "Recreate":
        if rolling is not None:
            detail = "may not be specified when strategy `type` is 'Recreate'"
            yield fe.forbidden("spec.strategy.rollingUpdate", detail)
    elif strategy["type"] == "RollingUpdate":
        path = "spec.strategy.rollingUpdate"
        unavailable, surge = (rolling or {}).get("maxUnavailable", 0), (rolling or {}).get("maxSurge", 0)
        yield from validate_int_or_percent(unavailable, f"{path}.maxUnavailable")
        yield from validate_int_or_percent(surge, f"{path}.maxSurge", at_most_100=False)
        if int_or_percent_value(unavailable) == 0 and int_or_percent_value(surge) == 0:
            detail = "may not be 0 when `maxSurge` is 0"
            yield fe.invalid(f"{path}.maxUnavailable", unavailable, detail)
    else:
        yield from one_of(strategy["type"], ("Recreate", "RollingUpdate"), "spec.strategy.type")


def _replica_set_spec(spec: dict[str, Any]) -> Iterator[FieldError]:
    yield from non_negative(spec.get("replicas"), "spec.replicas")
    yield from non_negative(spec.get("minReadySeconds"), "spec.minReadySeconds")
    yield from _selector(spec, "deployment")
    yield from _template(spec, _restarting_template, "invalid label selector")


def _daemon_set_spec(spec: dict[str, Any]) -> Iterator[FieldError]:
    yield from _selector(spec, "daemonset")
    yield from _template(spec, _restarting_template, "invalid label selector")
    yield from non_negative(spec.get("minReadySeconds"), "spec.minReadySeconds")
    yield from non_negative(spec.get("revisionHistoryLimit"), "spec.revisionHistoryLimit")
    strategy = spec["updateStrategy"]
    if strategy["type"] == "RollingUpdate":
        yield from _daemon_set_rolling(strategy.get("rollingUpdate"))
    else:
        yield from one_of(strategy["type"], ("OnDelete", "RollingUpdate"), "spec.updateStrategy.type")


def _daemon_set_rolling(rolling: dict[str, Any] | None) -> Iterator[FieldError]:
    path = "spec.updateStrategy.rollingUpdate"
    if rolling is None:
        yield fe.required(path)
        return
    unavailable, surge = rolling.get("maxUnavailable", 0), rolling.get("maxSurge", 0)
    yield from validate_int_or_percent(unavailable, f"{path}.maxUnavailable")
    yield from validate_int_or_percent(surge, f"{path}.maxSurge")
    has_unavailable, has_surge = int_or_percent_value(unavailable) != 0, int_or_percent_value(surge) != 0
    if has_unavailable and has_surge:
        detail = "may not be set when maxUnavailable is non-zero"
        yield fe.invalid(f"{path}.maxSurge", surge, detail)
    elif not has_unavailable and not has_surge:
        detail = "cannot be 0 when maxSurge is 0"
        yield fe.required(f"{path}.maxUnavailable", detail)


def _stateful_set_spec(spec: dict[str, Any]) -> Iterator[FieldError]:
    if spec["podManagementPolicy"] not in ("OrderedReady", "Parallel"):
        detail = "must be 'OrderedReady' or 'Parallel'"
        yield fe.invalid("spec.podManagementPolicy", spec["podManagementPolicy"], detail)
    yield from _stateful_set_strategy(spec["updateStrategy"])
    retention = spec.get("persistentVolumeClaimRetentionPolicy", {})
    for key in ("whenDeleted", "whenScaled"):
        if retention.get(key) not in ("Retain", "Delete", None):
            path = f"spec.persistentVolumeClaimRetentionPolicy.{key}"
            yield fe.not_supported(path, retention[key], ("Retain", "Delete"))
    yield from non_negative(spec.get("replicas"), "spec.replicas")
    yield from non_negative(spec.get("minReadySeconds"), "spec.minReadySeconds")
    yield from non_negative(spec.get("ordinals", {}).get("start"), "spec.ordinals.start")
    yield from _selector(spec, "statefulset")
    yield from _template(_with_claim_volumes(spec), validate_pod_template, "")
    yield from _stateful_set_restarts(spec["template"]["spec"])


def _with_claim_volumes(spec: dict[str, Any]) -> dict[str, Any]:
    """Return the spec with the volumes of claim templates added (``volumesToAddForTemplates``)."""
    template = spec["template"]
    volumes = template["spec"].get("volumes", [])
    taken = {volume.get("name") for volume in volumes}
    names = [claim.get("metadata", {}).get("name") for claim in spec.get("volumeClaimTemplates", ())]
    added = [
        {"name": name, "persistentVolumeClaim": {"claimName": name}}
        for name in names
        if name and name not in taken
    ]
    if not added:
        return spec
    return {**spec, "template": {**template, "spec": {**template["spec"], "volumes": [*volumes, *added]}}}


def _stateful_set_restarts(spec: dict[str, Any]) -> Iterator[FieldError]:
    if spec["restartPolicy"] in ("OnFailure", "Never"):
        yield fe.not_supported("spec.template.spec.restartPolicy", spec["restartPolicy"], ("Always",))
    if "activeDeadlineSeconds" in spec:
        detail = "activeDeadlineSeconds in StatefulSet is not Supported"
        yield fe.forbidden("spec.template.spec.activeDeadlineSeconds", detail)


def _stateful_set_strategy(strategy: dict[str, Any]) -> Iterator[FieldError]:
    rolling = strategy.get("rollingUpdate")
    if strategy["type"] == "OnDelete":
        if rolling is not None:
            detail = "only allowed for updateStrategy 'RollingUpdate'"
            yield fe.invalid(
                "spec.updateStrategy.rollingUpdate",
                fe.go_struct("apps.RollingUpdateStatefulSetStrategy", rolling),
                detail,
            )
    elif strategy["type"] == "RollingUpdate":
        if rolling is not None:
            path = "spec.updateStrategy.rollingUpdate"
            yield from non_negative(rolling.get("partition"), f"{path}.partition")
    else:
        detail = "must be 'RollingUpdate' or 'OnDelete'"
        struct = fe.go_struct("apps.StatefulSetUpdateStrategy", strategy)
        yield fe.invalid("spec.updateStrategy", struct, detail)


def _controller_spec(spec: dict[str, Any]) -> Iterator[FieldError]:
    yield from non_negative(spec.get("minReadySeconds"), "spec.minReadySeconds")
    selector = spec.get("selector", {})
    if not selector:
        yield fe.required("spec.selector")
    if "replicas" not in spec:
        yield fe.required("spec.replicas")
    yield from non_negative(spec.get("replicas"), "spec.replicas")
    template = spec.get("template")
    if template is None:
        yield fe.required("spec.template")
        return
    labels = template["metadata"].get("labels", {})
    if selector and any(labels.get(key) != value for key, value in selector.items()):
        detail = "`selector` does not match template `labels`"
        yield fe.invalid("spec.template.metadata.labels", labels, detail)
    yield from _restarting_template(template, "spec.template")


def _pod_template(obj: dict[str, Any]) -> Iterable[FieldError]:
    yield from validate_metadata(obj["metadata"], dns_subdomain_name, namespaced=True)
    yield from validate_pod_template(obj["template"], "template")


def _pod_template_update(obj: dict[str, Any], old: dict[str, Any]) -> Iterable[FieldError]:
    yield from validate_metadata_update(obj["metadata"], old["metadata"])
    yield from validate_pod_template(obj["template"], "template")


def _creator(spec_rule: Any, name_rule: Any = dns_subdomain_name) -> Any:
    def validate(obj: dict[str, Any]) -> Iterable[FieldError]:
        yield from validate_metadata(obj["metadata"], name_rule, namespaced=True)
        yield from spec_rule(obj["spec"])

    return validate


def _updater(spec_rule: Any, resource: str) -> Any:
    def validate(obj: dict[str, Any], old: dict[str, Any]) -> Iterable[FieldError]:
        yield from validate_metadata_update(obj["metadata"], old["metadata"])
        yield from spec_rule(obj["spec"])
        yield from fixed_fields(resource, obj, old)

    return validate


def _stateful_set_update(obj: dict[str, Any], old: dict[str, Any]) -> Iterable[FieldError]:
    yield from validate_metadata_update(obj["metadata"], old["metadata"])
    yield from _stateful_set_spec(obj["spec"])
    kept = {key: value for key, value in obj["spec"].items() if key not in _STATEFUL_SET_UPDATABLE}
    if kept != {key: value for key, value in old["spec"].items() if key not in _STATEFUL_SET_UPDATABLE}:
        detail = (
            "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
            "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and "
            "'minReadySeconds' are forbidden"
        )
        yield fe.forbidden("spec", detail)


CREATE = {
    "Deployment": _creator(_deployment_spec),
    "ReplicaSet": _creator(_replica_set_spec),
    "DaemonSet": _creator(_daemon_set_spec),
    "StatefulSet": _creator(_stateful_set_spec, dns_label_name),
    "ReplicationController": _creator(_controller_spec),
    "PodTemplate": _pod_template,
}
UPDATE = {
    "Deployment": _updater(_deployment_spec, "deployments.apps"),
    "ReplicaSet": _updater(_replica_set_spec, "replicasets.apps"),
    "DaemonSet": _updater(_daemon_set_spec, "daemonsets.apps"),
    "StatefulSet": _stateful_set_update,
    "ReplicationController": _updater(_controller_spec, "replicationcontrollers"),
    "PodTemplate": _pod_template_update,
}
