"""Objects of every served kind, each with one numeric or time field at an edge, made from the schema tables."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import cache
from typing import Any

from tests.apiserver.samples import SAMPLES

from kschedcore.api.machinery.kinds import Kind
from kschedcore.api.schema import Field, object_type

__all__ = ["BASES", "EDGES", "Path", "edge_fields", "with_value"]

Object = dict[str, Any]
Path = tuple[str | int, ...]

_TIMES = ("0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "2026-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z",
          "9999-12-31T23:59:59-12:00", "2026-02-30T00:00:00Z", "2026-01-01T00:00:10Z")  # fmt: skip
_INT32 = (-(2**31), -1, 0, 1, 2, 100, 65535, 2**31 - 1)
_INT64 = (*_INT32, -(2**63), 2**31, 10**10, 2**53, 2**62, 2**63 - 1)
EDGES: dict[str, tuple[Any, ...]] = {
    "int32": _INT32,
    "int64": _INT64,
    "float64": (-1.0, 0.0, 0.5, 1e-300, 1e300, 2**63),
    "quantity": (
        "0",
        "-1",
        "1",
        "1n",
        "1e-30",
        "1e30",
        "-9Ei",
        "9223372036854775807",
        "9" * 22,
        "1Gi",
        2**53,
    ),
    "int_or_string": (*_INT32, "0%", "1%", "100%", "99999999999%"),
    "time": _TIMES,
    "micro_time": tuple(f"{each[:19]}.999999{each[19:]}" for each in _TIMES),
}
"""The type of a field -> the values that it is given."""

_SELECTOR = {"matchLabels": {"app": "a"}}
BASES: dict[str, Object] = {
    **SAMPLES,
    "secrets": {},
    "serviceaccounts": {},
    "controllerrevisions": {"revision": 1},
    "endpoints": {"subsets": [{"addresses": [{"ip": "10.1.2.3"}], "ports": [{"port": 80}]}]},
    "endpointslices": {"addressType": "IPv4", "endpoints": [{"addresses": ["10.1.2.3"]}], "ports": [{"port": 80}]},
    "events": {"involvedObject": {"kind": "Pod", "namespace": "default", "name": "p"}, "reason": "R", "type": "Normal"},
    "ingressclasses": {"spec": {"controller": "example.com/c"}},
    "csidrivers": {"spec": {"attachRequired": False}},
    "csinodes": {"spec": {"drivers": [{"name": "d.example.com", "nodeID": "i", "topologyKeys": []}]}},
    "csistoragecapacities": {"storageClassName": "s", "nodeTopology": _SELECTOR, "capacity": "1Gi"},
    "volumeattachments": {
        "spec": {"attacher": "d.example.com", "nodeName": "node-1", "source": {"persistentVolumeName": "v"}}
    },
    "deviceclasses": {"spec": {}},
    "resourceclaims": {
        "spec": {"devices": {"requests": [{"name": "r", "exactly": {"deviceClassName": "d.example.com"}}]}}
    },
    "resourceclaimtemplates": {
        "spec": {"spec": {"devices": {"requests": [{"name": "r", "exactly": {"deviceClassName": "d.example.com"}}]}}}
    },
    "resourceslices": {
        "spec": {
            "driver": "d.example.com", "nodeName": "node-1",
            "pool": {"name": "node-1", "generation": 1, "resourceSliceCount": 1}, "devices": [{"name": "x"}],
        }
    },
}  # fmt: skip
"""One valid object of every served kind, without its metadata."""

_PROBE = {"tcpSocket": {"port": 80}}
_TARGET = {"type": "Utilization", "averageUtilization": 50}
_HINTS: dict[str, Any] = {
    "core.v1.Probe": _PROBE,
    "core.v1.Toleration": {"key": "k", "operator": "Exists", "effect": "NoExecute"},
    "core.v1.TopologySpreadConstraint": {
        "maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": _SELECTOR,
    },
    "core.v1.PreferredSchedulingTerm": {
        "weight": 1, "preference": {"matchExpressions": [{"key": "a", "operator": "Exists"}]}
    },
    "core.v1.WeightedPodAffinityTerm": {
        "weight": 1, "podAffinityTerm": {"topologyKey": "kubernetes.io/hostname", "labelSelector": _SELECTOR}
    },
    "core.v1.Container": {"name": "other", "image": "i"},
    "core.v1.Volume": {"name": "v"},
    "core.v1.KeyToPath": {"key": "k", "path": "p"},
    "core.v1.DownwardAPIVolumeFile": {
        "path": "p", "resourceFieldRef": {"resource": "limits.cpu", "containerName": "c"}
    },
    "core.v1.SecretVolumeSource": {"secretName": "s"},
    "core.v1.ConfigMapVolumeSource": {"name": "s"},
    "core.v1.SecretProjection": {"name": "s"},
    "core.v1.ConfigMapProjection": {"name": "s"},
    "core.v1.ServiceAccountTokenProjection": {"path": "p"},
    "core.v1.PodCertificateProjection": {
        "signerName": "a.b/c", "keyType": "ED25519", "credentialBundlePath": "p",
    },
    "core.v1.PersistentVolumeClaimTemplate": {
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    },
    "core.v1.PersistentVolumeClaim": {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    },
    "core.v1.TypedLocalObjectReference": {"kind": "K", "name": "n"},
    "core.v1.EnvVar": {"name": "E"},
    "core.v1.EnvVarSource": {},
    "core.v1.ResourceFieldSelector": {"resource": "limits.cpu", "containerName": "c"},
    "core.v1.ContainerPort": {"containerPort": 80},
    "core.v1.Sysctl": {"name": "a.b", "value": "1"},
    "core.v1.Taint": {"key": "k", "effect": "NoSchedule"},
    "core.v1.ISCSIVolumeSource": {"targetPortal": "1.2.3.4:3260", "iqn": "iqn.2026-01.com.example:x", "lun": 0},
    "core.v1.ISCSIPersistentVolumeSource": {
        "targetPortal": "1.2.3.4:3260", "iqn": "iqn.2026-01.com.example:x", "lun": 0
    },
    "core.v1.FCVolumeSource": {"targetWWNs": ["x"], "lun": 1},
    "core.v1.AWSElasticBlockStoreVolumeSource": {"volumeID": "v"},
    "core.v1.GCEPersistentDiskVolumeSource": {"pdName": "v"},
    "core.v1.LimitRangeItem": {"type": "Container"},
    "core.v1.PodCondition": {"type": "Ready", "status": "True"},
    "core.v1.ServicePort": {"name": "p", "port": 80},
    "core.v1.ClientIPConfig": {"timeoutSeconds": 5},
    "core.v1.ContainerStatus": {
        "name": "c", "image": "i", "imageID": "", "ready": False, "restartCount": 1, "started": False
    },
    "core.v1.ContainerState": {},
    "core.v1.EventSeries": {"count": 1, "lastObservedTime": "2026-01-01T00:00:00.000000Z"},
    "core.v1.ContainerRestartRule": {"action": "Restart", "exitCodes": {"operator": "In", "values": [3]}},
    "core.v1.ContainerRestartRuleOnExitCodes": {"operator": "In", "values": [3]},
    "batch.v1.PodFailurePolicyRule": {"action": "Count"},
    "batch.v1.PodFailurePolicyOnExitCodesRequirement": {"operator": "In", "values": [1]},
    "batch.v1.SuccessPolicyRule": {},
    "autoscaling.v2.MetricTarget": _TARGET,
    "autoscaling.v2.HPAScalingPolicy": {"type": "Pods", "value": 1, "periodSeconds": 1},
    "autoscaling.v2.ResourceMetricSource": {"name": "cpu", "target": _TARGET},
    "resource.v1.CELDeviceSelector": {"expression": "true"},
    "resource.v1.DeviceToleration": {"key": "k", "operator": "Exists", "effect": "NoExecute"},
    "resource.v1.DeviceTaint": {"key": "k", "effect": "NoExecute"},
    "networking.v1.NetworkPolicyPort": {"port": 80},
    "discovery.v1.EndpointPort": {"port": 80},
    "meta.v1.OwnerReference": {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"},
}  # fmt: skip
"""Types whose required fields are not enough, or need values that mean something."""

_NAMED = {
    "key": "k", "path": "/p", "topologyKey": "kubernetes.io/hostname", "operator": "Exists", "status": "True",
    "ip": "10.1.2.3", "mountPath": "/m", "driver": "d.example.com", "kind": "Deployment", "apiVersion": "apps/v1",
    "pool": "node-1", "device": "x", "request": "r", "type": "Odd",
}  # fmt: skip
_PLAIN: dict[str, Any] = {
    "string": "x", "bytes": "", "bool": False, "int32": 1, "int64": 1, "float64": 1.0, "quantity": "1",
    "int_or_string": 1, "time": "2026-01-01T00:00:00Z", "micro_time": "2026-01-01T00:00:00.000000Z",
    "any": {}, "list": [], "map": {},
}  # fmt: skip


def _plain(name: str, field: Field) -> Any:
    """Return a valid value of a required field, as far as its name and type determine it."""
    if field.type == "object":
        return _new(field.ref)
    return _NAMED.get(name, "x") if field.type == "string" else copy.deepcopy(_PLAIN[field.type])


def _new(ref: str) -> Object:
    if ref in _HINTS:
        found: Object = copy.deepcopy(_HINTS[ref])
        return found
    return {name: _plain(name, field) for name, field in object_type(ref).fields.items() if field.required}


_KEYS = {"persistentvolumes": "storage", "persistentvolumeclaims": "storage"}
"""The key of a map of amounts, by kind; of others it is ``cpu``."""


def _below(field: Field, path: Path, key: str, seen: tuple[str, ...] = ()) -> Iterator[tuple[Path, str]]:
    if field.type in EDGES:
        yield path, field.type
    elif field.type == "object" and field.ref not in seen:
        for name, each in object_type(field.ref).fields.items():
            yield from _below(each, (*path, name), key, (*seen, field.ref))
    elif field.type in ("list", "map") and field.items is not None:
        yield from _below(field.items, (*path, 0 if field.type == "list" else key), key, seen)


@cache
def edge_fields(kind: Kind) -> tuple[tuple[Path, str], ...]:
    """Return the path and the type of every numeric and time field of a kind, inside its lists and maps as well."""
    found: list[tuple[Path, str]] = []
    for name, field in kind.schema.fields.items():
        found += _below(field, (name,), _KEYS.get(kind.resource.plural, "cpu"))
    return tuple(found)


_ALTERNATIVES: dict[str, tuple[str, ...]] = {
    "core.v1.Probe": ("exec", "grpc", "httpGet", "tcpSocket"),
    "core.v1.PersistentVolumeSpec": (
        "hostPath", "awsElasticBlockStore", "fc", "gcePersistentDisk", "iscsi", "csi", "rbd", "scaleIO"
    ),
    "storage.v1.VolumeAttachmentSource": ("persistentVolumeName", "inlineVolumeSpec"),
    "resource.v1.DeviceRequest": ("exactly", "firstAvailable"),
    "resource.v1.ResourceSliceSpec": ("devices", "sharedCounters"),
    "policy.v1.PodDisruptionBudgetSpec": ("minAvailable", "maxUnavailable"),
}  # fmt: skip
"""Fields of a type of which an object has one."""

_INDEXED = {"completionMode": "Indexed", "completions": 2, "backoffLimitPerIndex": 1}
_NEEDS: dict[tuple[str, str], Object] = {
    ("core.v1.Event", "eventTime"): {
        "reportingComponent": "example.com/c",
        "reportingInstance": "i",
        "action": "A",
    },
    ("core.v1.TopologySpreadConstraint", "minDomains"): {"whenUnsatisfiable": "DoNotSchedule"},
    ("core.v1.PodSpec", "initContainers"): {
        "initContainers": [{"name": "init", "image": "i", "restartPolicy": "Always"}]
    },
    ("core.v1.Container", "restartPolicyRules"): {"restartPolicy": "Never"},
    ("core.v1.EphemeralContainer", "restartPolicyRules"): {"restartPolicy": "Never"},
    ("batch.v1.JobSpec", "backoffLimitPerIndex"): _INDEXED,
    ("batch.v1.JobSpec", "maxFailedIndexes"): _INDEXED,
    ("batch.v1.JobSpec", "successPolicy"): _INDEXED,
    ("resource.v1.Device", "capacity"): {"allowMultipleAllocations": True},
    ("resource.v1.CapacityRequestPolicy", "validRange"): {"default": "1"},
    ("resource.v1.CapacityRequestPolicy", "validValues"): {"default": "1"},
    ("autoscaling.v2.MetricTarget", "averageUtilization"): {"type": "Utilization"},
    ("autoscaling.v2.MetricTarget", "averageValue"): {"type": "AverageValue", "averageUtilization": None},
    ("autoscaling.v2.MetricTarget", "value"): {"type": "Value", "averageUtilization": None},
    **{
        ("autoscaling.v2.MetricSpec", name): {"type": name[0].upper() + name[1:]}
        for name in ("containerResource", "external", "object", "pods", "resource")
    },
}
"""The other fields that an object with a field of a type needs."""


def with_value(kind: Kind, path: Path, value: Any, name: str = "edge") -> Object:
    """Return a valid object of a kind in which a field has a value; what is above the field is made where missing."""
    obj = copy.deepcopy(BASES[kind.resource.plural])
    obj.setdefault("metadata", {})["name"] = name
    holder: Any = obj
    field = Field("object", ref=kind.schema.name)
    for step, below in zip(path, (*path[1:], None), strict=True):
        if field.type == "object" and isinstance(step, str):
            for other in set(_ALTERNATIVES.get(field.ref, ())) - {step}:
                if step in _ALTERNATIVES[field.ref]:
                    holder.pop(other, None)
            holder.update(copy.deepcopy(_NEEDS.get((field.ref, step), {})))
        field = _inside(field, step)
        new = value if below is None else _new(field.ref) if field.type == "object" else _PLAIN[field.type]
        if isinstance(step, int):
            if not holder:
                holder.append(copy.deepcopy(new))
            elif below is None:
                holder[0] = new
        elif below is None or step not in holder:
            holder[step] = copy.deepcopy(new)
        holder = holder[step]
    return obj


def _inside(field: Field, step: str | int) -> Field:
    if field.type == "object":
        return object_type(field.ref).fields[str(step)]
    assert field.items is not None
    return field.items
