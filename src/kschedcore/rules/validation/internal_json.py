"""JSON of the API server's internal types, for messages about values and changes.

Internal types have the Go names of their fields, in the order of their declaration, and print empty fields. Types of
the apimachinery (label selectors, metadata) are the same as in the API.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from difflib import unified_diff
from typing import Any, Final

from kschedcore.api.machinery.confidential import masked_pair
from kschedcore.api.machinery.field_errors import Verbatim
from kschedcore.api.schema import Field, object_type

__all__ = ["difference", "internal_json"]

_CONTEXT_LINES: Final = 3

_FIELDS: Final[dict[str, str]] = {
    "core.v1.Container": (
        "name image command args workingDir ports envFrom env resources resizePolicy restartPolicy "
        "restartPolicyRules volumeMounts volumeDevices livenessProbe readinessProbe startupProbe lifecycle "
        "terminationMessagePath terminationMessagePolicy imagePullPolicy securityContext stdin stdinOnce tty"
    ),
    "core.v1.ContainerPort": "name hostPort containerPort protocol hostIP",
    "core.v1.EnvVar": "name value valueFrom",
    "core.v1.NodeAffinity": (
        "requiredDuringSchedulingIgnoredDuringExecution preferredDuringSchedulingIgnoredDuringExecution"
    ),
    "core.v1.NodeSelectorRequirement": "key operator values",
    "core.v1.NodeSelectorTerm": "matchExpressions matchFields",
    "core.v1.PersistentVolumeClaimSpec": (
        "accessModes selector resources volumeName storageClassName volumeMode dataSource dataSourceRef "
        "volumeAttributesClassName"
    ),
    "core.v1.PodSecurityContext": (
        "hostNetwork hostPID hostIPC shareProcessNamespace hostUsers seLinuxOptions windowsOptions runAsUser "
        "runAsGroup runAsNonRoot supplementalGroups supplementalGroupsPolicy fsGroup fsGroupChangePolicy "
        "sysctls seccompProfile appArmorProfile seLinuxChangePolicy"
    ),
    "core.v1.PodSpec": (
        "volumes initContainers containers ephemeralContainers restartPolicy terminationGracePeriodSeconds "
        "activeDeadlineSeconds dnsPolicy nodeSelector serviceAccountName automountServiceAccountToken nodeName "
        "securityContext imagePullSecrets hostname subdomain setHostnameAsFQDN affinity schedulerName "
        "tolerations hostAliases priorityClassName priority preemptionPolicy dnsConfig readinessGates "
        "runtimeClassName overhead enableServiceLinks topologySpreadConstraints os schedulingGates "
        "resourceClaims resources hostnameOverride schedulingGroup"
    ),
    "core.v1.ResourceRequirements": "limits requests claims",
    "core.v1.Toleration": "key operator value effect tolerationSeconds",
    "core.v1.TopologySpreadConstraint": (
        "maxSkew topologyKey whenUnsatisfiable labelSelector minDomains nodeAffinityPolicy nodeTaintsPolicy "
        "matchLabelKeys"
    ),
    "core.v1.VolumeResourceRequirements": "limits requests",
    "resource.v1.DeviceAttribute": "int bool string version ints bools strings versions",
    "resource.v1.DeviceClaim": "requests constraints config",
    "resource.v1.DeviceClaimConfiguration": "requests opaque",
    "resource.v1.DeviceConstraint": "requests matchAttribute distinctAttribute",
    "resource.v1.DeviceRequest": "name exactly firstAvailable",
    "resource.v1.DeviceSubRequest": (
        "name deviceClassName selectors allocationMode count tolerations capacity"
    ),
    "resource.v1.DeviceToleration": "key operator value effect tolerationSeconds",
    "resource.v1.ExactDeviceRequest": (
        "deviceClassName selectors allocationMode count adminAccess tolerations capacity"
    ),
}  # fmt: skip
"""Type -> its fields in the order of the Go declaration; other types have the schema's order."""

_GO_NAMES: Final = {
    "cel": "CEL", "dnsConfig": "DNSConfig", "dnsPolicy": "DNSPolicy", "fsGroup": "FSGroup",
    "fsGroupChangePolicy": "FSGroupChangePolicy", "os": "OS", "seLinuxChangePolicy": "SELinuxChangePolicy",
    "seLinuxOptions": "SELinuxOptions", "tty": "TTY", "uid": "UID",
}  # fmt: skip
_ATTRIBUTES: Final = {
    "int": "IntValue", "bool": "BoolValue", "string": "StringValue", "version": "VersionValue",
    "ints": "IntValues", "bools": "BoolValues", "strings": "StringValues", "versions": "VersionValues",
}  # fmt: skip
_OF_THE_POD: Final = {
    "hostNetwork": False, "hostPID": False, "hostIPC": False, "shareProcessNamespace": None, "hostUsers": None,
}  # fmt: skip
"""Fields of a pod's internal security context that are fields of the spec in the API; with zero values."""

_METADATA: Final = (
    "name", "generateName", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp",
    "deletionTimestamp", "deletionGracePeriodSeconds", "labels", "annotations", "ownerReferences", "finalizers",
)  # fmt: skip
"""The fields of metadata in the order of their declaration."""

_ZEROS: Final[dict[str, Any]] = {
    "string": "", "bytes": "", "bool": False, "int32": 0, "int64": 0, "float64": 0, "quantity": "0",
}  # fmt: skip


def internal_json(type_name: str, value: Mapping[str, Any]) -> Verbatim:
    """Return the JSON of a value of a type (``resource.v1.ResourceClaimSpec``), for a message."""
    return Verbatim(json.dumps(_internal(type_name, value), separators=(",", ":"), ensure_ascii=False))


def difference(type_name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Return a unified diff of two values of a type, as messages print it (``apimachinery/pkg/util/diff``)."""
    before, after = (
        json.dumps(_internal(type_name, each), indent=1).split("\n") for each in masked_pair(old, new)
    )
    lines = list(unified_diff(before, after, n=_CONTEXT_LINES, lineterm=""))
    return "".join(f"{line}\n" for line in lines[2:])  # without the file names


def _internal(type_name: str, value: Mapping[str, Any]) -> dict[str, Any]:
    if type_name == "core.v1.PodSpec":
        outside = {key: value[key] for key in _OF_THE_POD if key in value}
        value = {**value, "securityContext": {**value.get("securityContext", {}), **outside}}
    fields = object_type(type_name).fields
    found: dict[str, Any] = {}
    for key in _FIELDS[type_name].split() if type_name in _FIELDS else fields:
        if key in _OF_THE_POD and type_name == "core.v1.PodSecurityContext":
            found[_go_name(type_name, key)] = value.get(key, _OF_THE_POD[key])
        elif key == "metadata":
            metadata = value.get(key, {})  # embedded, with the API's field names
            found |= {name: metadata[name] for name in _METADATA if name in metadata}
        else:
            found[_go_name(type_name, key)] = _field(fields[key], value.get(key))
    return found


def _go_name(type_name: str, key: str) -> str:
    if type_name == "resource.v1.DeviceAttribute":
        return _ATTRIBUTES[key]
    return _GO_NAMES.get(key) or key[0].upper() + key[1:]


def _field(field: Field, value: Any) -> Any:
    if value is None:
        if field.type == "object" and field.presence == "always":
            return _internal(field.ref, {})
        return None if field.presence == "pointer" else _ZEROS.get(field.type)
    return _value(field, value)


def _value(field: Field, value: Any) -> Any:
    if field.type == "object":
        return value if field.ref.startswith("meta.") else _internal(field.ref, value)
    if field.items is not None and field.type == "list":
        return [_value(field.items, each) for each in value]
    if field.items is not None and field.type == "map":
        return {key: _value(field.items, value[key]) for key in sorted(value)}
    return value
