"""Objects with one invalid field: the field path and the message of the refusal."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from .samples import SAMPLES, sample, spoilt
from .server import RESOURCES, Server, refusal

NEGATIVE = "Invalid value: -1: must be greater than or equal to 0"
POD = "spec.containers.0."


def causes(plural: str, changes: dict[str, Any]) -> list[tuple[str, str]]:
    server = Server()
    namespace = "ns" if RESOURCES[plural].namespaced else ""
    error = refusal(lambda: server.create(plural, spoilt(plural, changes), namespace))
    assert error.code == 422
    assert error.details is not None
    assert error.details["kind"] == RESOURCES[plural].kind
    return [(cause["field"], cause["message"]) for cause in error.details["causes"]]


@pytest.mark.parametrize("plural", sorted(SAMPLES))
def test_the_valid_samples_are_accepted(plural: str) -> None:
    server = Server()
    created = server.create(plural, sample(plural), "ns" if RESOURCES[plural].namespaced else "")
    assert created["metadata"]["name"] == "x"


BAD_VALUE = (
    "Invalid value: \"x y\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex "
    "used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
TERMS = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"
USER_RANGE = "Invalid value: -1: must be between 0 and 2147483647, inclusive"
FILE_KEY = {"name": "A", "valueFrom": {"fileKeyRef": {"key": "K", "path": "f", "volumeName": "v"}}}
WINDOWS = "Forbidden: cannot be set for a windows pod"


PROJECTED = "spec.volumes[0].projected"


def projected(*sources: dict[str, Any]) -> dict[str, Any]:
    return {"spec.volumes": [{"name": "v", "projected": {"sources": list(sources)}}]}


PODS: list[tuple[dict[str, Any], str, str]] = [
    # ValidateNodeSelectorRequirement: values of required node affinity are label values.
    ({TERMS: [{"matchExpressions": [{"key": "a", "operator": "In", "values": ["x y"]}]}]},
     f"{TERMS}[0].matchExpressions[0].values[0]", BAD_VALUE),
    ({"spec.securityContext": {"fsGroup": -1}}, "spec.securityContext.fsGroup", USER_RANGE),
    ({"spec.securityContext": {"supplementalGroups": [-1]}}, "spec.securityContext.supplementalGroups[0]", USER_RANGE),
    ({"spec.securityContext": {"fsGroupChangePolicy": "Odd"}}, "spec.securityContext.fsGroupChangePolicy",
     'Unsupported value: "Odd": supported values: "Always", "OnRootMismatch"'),
    ({"spec.securityContext": {"sysctls": [{"name": "net.core.somaxconn", "value": "1"}]}, "spec.hostNetwork": True},
     "spec.securityContext.sysctls[0].name",
     'Invalid value: "net.core.somaxconn": may not be specified when \'hostNetwork\' is true'),
    ({"spec.securityContext": {"seccompProfile": {"type": "Localhost"}}},
     "spec.securityContext.seccompProfile.localhostProfile",
     "Required value: must be set when seccomp type is Localhost"),
    ({POD + "securityContext": {"procMount": "Unmasked"}}, "spec.containers[0].securityContext.procMount",
     'Invalid value: "Unmasked": `hostUsers` must be false to use `Unmasked`'),
    ({"spec.hostUsers": False, "spec.hostNetwork": True}, "spec.hostNetwork", "Forbidden: when `hostUsers` is false"),
    ({"spec.os": {"name": "beos"}}, "spec.os", 'Unsupported value: "beos": supported values: "linux", "windows"'),
    ({"spec.os": {"name": "windows"}, "spec.securityContext": {"runAsUser": 1}}, "spec.securityContext.runAsUser",
     WINDOWS),
    ({"spec.dnsPolicy": "None"}, "spec.dnsConfig",
     "Required value: must provide `dnsConfig` when `dnsPolicy` is None"),
    ({"spec.dnsConfig": {"nameservers": ["1.1.1.1"] * 4}}, "spec.dnsConfig.nameservers",
     'Invalid value: ["1.1.1.1","1.1.1.1","1.1.1.1","1.1.1.1"]: must not have more than 3 nameservers'),
    ({"spec.resourceClaims": [{"name": "a", "resourceClaimName": "x"}] * 2}, "spec.resourceClaims[1].name",
     'Duplicate value: "a"'),
    ({POD + "resources": {"claims": [{"name": "a"}]}}, "spec.containers[0].resources.claims[0]",
     'Not found: "a": must be one of the names in pod.spec.resourceClaims which is empty'),
    ({"spec.hostnameOverride": "a.b", "spec.hostNetwork": True}, "spec.hostnameOverride",
     "Forbidden: may not be specified when `hostNetwork` is true"),
    ({POD + "env": [FILE_KEY]}, "spec.containers[0].env[0].valueFrom.fileKeyRef.volumeName", 'Not found: "v"'),
    ({POD + "name": ""}, "spec.containers[0].name", "Required value"),
    ({"spec.containers": [{"name": "c", "image": "i"}, {"name": "c", "image": "i"}]},
     "spec.containers[1].name", 'Duplicate value: "c"'),
    ({POD + "image": " nginx"}, "spec.containers[0].image",
     'Invalid value: " nginx": must not have leading or trailing whitespace'),
    ({POD + "imagePullPolicy": "Sometimes"}, "spec.containers[0].imagePullPolicy",
     'Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"'),
    ({POD + "ports": [{"containerPort": 70000}]}, "spec.containers[0].ports[0].containerPort",
     "Invalid value: 70000: must be between 1 and 65535, inclusive"),
    ({POD + "ports": [{}]}, "spec.containers[0].ports[0].containerPort", "Required value"),
    ({POD + "ports": [{"containerPort": 80, "hostPort": 81}], "spec.hostNetwork": True},
     "spec.containers[0].ports[0].hostPort",
     "Invalid value: 81: must match `containerPort` when `hostNetwork` is true"),
    ({POD + "env": [{"value": "x"}]}, "spec.containers[0].env[0].name", "Required value"),
    ({POD + "env": [{"name": "A", "value": "x", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]},
     "spec.containers[0].env[0].valueFrom",
     'Invalid value: "": may not be specified when `value` is not empty'),
    ({POD + "resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "2"}}},
     "spec.containers[0].resources.requests",
     'Invalid value: "2": must be less than or equal to cpu limit of 1'),
    ({POD + "resources": {"limits": {"example.com/x": "2"}, "requests": {"example.com/x": "1"}}},
     "spec.containers[0].resources.requests",
     'Invalid value: "1": must be equal to example.com/x limit of 2'),
    ({POD + "resources": {"limits": {"hugepages-2Mi": "2Mi"}}}, "spec.containers[0].resources",
     "Forbidden: HugePages require cpu or memory"),
    ({POD + "livenessProbe": {"periodSeconds": 3}}, "spec.containers[0].livenessProbe",
     "Required value: must specify a handler type"),
    ({POD + "livenessProbe": {"exec": {}}}, "spec.containers[0].livenessProbe.exec.command",
     "Required value"),
    ({POD + "lifecycle": {"preStop": {"httpGet": {"port": 0}}}},
     "spec.containers[0].lifecycle.preStop.httpGet.port",
     "Invalid value: 0: must be between 1 and 65535, inclusive"),
    ({POD + "restartPolicy": "Sometimes"}, "spec.containers[0].restartPolicy",
     'Unsupported value: "Sometimes": supported values: "Always", "Never", "OnFailure"'),
    ({POD + "restartPolicyRules": [{"action": "Restart", "exitCodes": {"operator": "In", "values": [1]}}]},
     "spec.containers[0].restartPolicy",
     "Required value: must specify restartPolicy when restart rules are used"),
    ({POD + "restartPolicy": "Never", POD + "restartPolicyRules": [{"action": "Restart"}]},
     "spec.containers[0].restartPolicyRules[0].exitCodes", "Required value: must be specified"),
    ({"spec.initContainers": [{"name": "i", "image": "i", "restartPolicy": "Later"}]},
     "spec.initContainers[0].restartPolicy",
     'Unsupported value: "Later": supported values: "Always", "Never", "OnFailure"'),
    ({"spec.volumes": [{"name": "v", "secret": {"secretName": "s"}, "hostPath": {"path": "/"}}]},
     "spec.volumes[0].secret", "Forbidden: may not specify more than 1 volume type"),
    ({"spec.volumes": [{"name": "v", "configMap": {"name": "m", "defaultMode": 512}}]},
     "spec.volumes[0].configMap.defaultMode",
     "Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive"),
    ({"spec.volumes": [{"name": "v", "image": {"pullPolicy": "Odd", "reference": "i"}}]},
     "spec.volumes[0].image.pullPolicy",
     'Unsupported value: "Odd": supported values: "Always", "IfNotPresent", "Never"'),
    ({"spec.volumes": [{"name": "v", "image": {}}]}, "spec.volumes[0].image.reference", "Required value"),
    ({"spec.volumes": [{"name": "v", "nfs": {"server": "s", "path": "p"}}]}, "spec.volumes[0].nfs.path",
     'Invalid value: "p": must be an absolute path'),
    ({"spec.volumes": [{"name": "v", "iscsi": {"targetPortal": "t", "iqn": "odd", "lun": 0}}]},
     "spec.volumes[0].iscsi.iqn", 'Invalid value: "odd": must be valid format starting with iqn, eui, or naa'),
    ({"spec.volumes": [{"name": "v", "csi": {"driver": "d", "nodePublishSecretRef": {"name": ""}}}]},
     "spec.volumes[0].csi.nodePublishSecretRef.name", "Required value"),
    ({"spec.volumes": [{"name": "v", "downwardAPI": {"items": [{"path": "f", "fieldRef": {"fieldPath": "spec.x"}}]}}]},
     "spec.volumes[0].downwardAPI.fieldRef.fieldPath",
     'Invalid value: "spec.x": error converting fieldPath: field label not supported: spec.x'),
    ({"spec.volumes": [{"name": "v", "downwardAPI": {"items": [{"path": "f", "resourceFieldRef":
      {"resource": "limits.cpu"}}]}}]},
     "spec.volumes[0].downwardAPI.resourceFieldRef.containerName", "Required value"),
    (projected({"serviceAccountToken": {"path": "t", "expirationSeconds": 9}}),
     PROJECTED + ".sources[0].serviceAccountToken.expirationSeconds",
     "Invalid value: 9: may not specify a duration less than 10 minutes"),
    (projected({"secret": {"name": "s", "items": [{"key": "k", "path": "f"}]}},
               {"configMap": {"name": "m", "items": [{"key": "k", "path": "f"}]}}),
     PROJECTED, 'Invalid value: "m": conflicting duplicate paths'),
    (projected({"secret": {"name": "s"}, "configMap": {"name": "m"}}), PROJECTED + ".sources[0]",
     "Forbidden: may not specify more than 1 volume type per source"),
    (projected({"podCertificate": {"signerName": "e.x/s", "keyType": "ED25519", "keyPath": "k",
                                   "maxExpirationSeconds": 9}}),
     PROJECTED + ".sources[0].podCertificate.maxExpirationSeconds",
     "Invalid value: 9: if provided, maxExpirationSeconds must be >= 3600"),
    (projected({"clusterTrustBundle": {"path": "p"}}), PROJECTED + ".sources[0].clusterTrustBundle",
     "Required value: either name or signerName must be specified"),
    ({POD + "env": [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1k"}}}]},
     "spec.containers[0].env[0].valueFrom.resourceFieldRef.divisor",
     'Invalid value: "limits.cpu": only divisor\'s values 1m and 1 are supported with the cpu resource'),
    ({"spec.dnsPolicy": "Odd"}, "spec.dnsPolicy",
     'Unsupported value: "Odd": supported values: "ClusterFirstWithHostNet", "ClusterFirst", "Default", '
     '"None"'),
    ({"spec.tolerations": [{"key": "a", "operator": "Exists", "tolerationSeconds": 3}]},
     "spec.tolerations[0].effect",
     "Invalid value: \"\": effect must be 'NoExecute' when `tolerationSeconds` is set"),
    ({"spec.tolerations": [{"key": "a", "operator": "Is"}]}, "spec.tolerations[0].operator",
     'Unsupported value: "Is": supported values: "Equal", "Exists"'),
    ({"spec.topologySpreadConstraints": [
        {"maxSkew": 1, "topologyKey": "z", "whenUnsatisfiable": "DoNotSchedule"},
        {"maxSkew": 2, "topologyKey": "z", "whenUnsatisfiable": "DoNotSchedule"}]},
     "spec.topologySpreadConstraints[1].{topologyKey, whenUnsatisfiable}",
     'Duplicate value: "{z, DoNotSchedule}"'),
    ({"spec.topologySpreadConstraints": [{"topologyKey": "z", "whenUnsatisfiable": "DoNotSchedule"}]},
     "spec.topologySpreadConstraints[0].maxSkew", "Invalid value: 0: must be greater than zero"),
    ({"spec.schedulingGates": [{"name": "a.b/c"}, {"name": "a.b/c"}]}, "spec.schedulingGates[1]",
     'Duplicate value: "a.b/c"'),
    ({"spec.schedulingGates": [{"name": "a.b/c"}], "spec.nodeName": "n"}, "spec.nodeName",
     "Forbidden: cannot be set until all schedulingGates have been cleared"),
    ({"spec.ephemeralContainers": [{"name": "d", "image": "i"}]}, "spec.ephemeralContainers",
     "Forbidden: cannot be set on create"),
    ({"metadata.ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p"}]},
     "metadata.ownerReferences.uid", 'Invalid value: "": uid must not be empty'),
    ({"spec.resources": {"requests": {"cpu": "1"}}, POD + "resources": {"requests": {"cpu": "2"}}},
     "spec.resources.requests[cpu]",
     'Invalid value: "1": must be greater than or equal to aggregate container requests of 2'),
    ({"spec.resources": {"limits": {"memory": "1Gi"}}, POD + "resources": {"limits": {"memory": "2Gi"}},
      "spec.containers.0.resources.requests": {"memory": "1Gi"}},
     "spec.containers[0].resources.limits[memory]",
     'Invalid value: "2Gi": must be less than or equal to pod limits of 1Gi'),
    ({"spec.resources": {"requests": {"storage": "1Gi"}}},
     "spec.resources.requests[storage]", 'Unsupported value: "storage": supported values: "cpu", "memory"'),
    ({"metadata.finalizers": ["odd"]}, "metadata.finalizers",
     'Invalid value: "odd": name is neither a standard finalizer name nor is it fully qualified'),
]  # fmt: skip

OTHERS: list[tuple[str, dict[str, Any], str, str]] = [
    ("deployments", {"spec.replicas": -1}, "spec.replicas", NEGATIVE),
    ("deployments", {"spec.revisionHistoryLimit": -1}, "spec.revisionHistoryLimit", NEGATIVE),
    ("deployments", {"spec.minReadySeconds": 700}, "spec.progressDeadlineSeconds",
     "Invalid value: 600: must be greater than minReadySeconds"),
    ("deployments", {"spec.strategy": {"type": "Odd"}}, "spec.strategy.type",
     'Unsupported value: "Odd": supported values: "Recreate", "RollingUpdate"'),
    ("deployments", {"spec.strategy": {"type": "Recreate", "rollingUpdate": {}}},
     "spec.strategy.rollingUpdate",
     "Forbidden: may not be specified when strategy `type` is 'Recreate'"),
    ("daemonsets", {"spec.minReadySeconds": -1}, "spec.minReadySeconds", NEGATIVE),
    ("daemonsets", {"spec.updateStrategy": {"rollingUpdate": {"maxUnavailable": 0}}},
     "spec.updateStrategy.rollingUpdate.maxUnavailable", "Required value: cannot be 0 when maxSurge is 0"),
    ("daemonsets", {"spec.updateStrategy": {"type": "Odd"}}, "spec.updateStrategy.type",
     'Unsupported value: "Odd": supported values: "OnDelete", "RollingUpdate"'),
    ("replicasets", {"spec.replicas": -1}, "spec.replicas", NEGATIVE),
    ("statefulsets", {"spec.template.spec.restartPolicy": "Never"}, "spec.template.spec.restartPolicy",
     'Unsupported value: "Never": supported values: "Always"'),
    ("statefulsets", {"spec.persistentVolumeClaimRetentionPolicy": {"whenScaled": "Odd"}},
     "spec.persistentVolumeClaimRetentionPolicy.whenScaled",
     'Unsupported value: "Odd": supported values: "Retain", "Delete"'),
    ("jobs", {"spec.backoffLimit": -1}, "spec.backoffLimit", NEGATIVE),
    ("jobs", {"spec.completionMode": "Odd"}, "spec.completionMode",
     'Unsupported value: "Odd": supported values: "NonIndexed", "Indexed"'),
    ("jobs", {"spec.template.spec.restartPolicy": None}, "spec.template.spec.restartPolicy",
     'Required value: valid values: "OnFailure", "Never"'),
    ("jobs", {"spec.completionMode": "Indexed", "spec.parallelism": 2}, "spec.completions",
     "Required value: when completion mode is Indexed"),
    ("cronjobs", {"spec.concurrencyPolicy": "Odd"}, "spec.concurrencyPolicy",
     'Unsupported value: "Odd": supported values: "Allow", "Forbid", "Replace"'),
    ("cronjobs", {"spec.timeZone": "Local"}, "spec.timeZone",
     'Invalid value: "Local": timeZone must be an explicit time zone as defined in '
     "https://www.iana.org/time-zones"),
    ("cronjobs", {"metadata.name": "a" * 53}, "metadata.name",
     f'Invalid value: "{"a" * 53}": must be no more than 52 characters'),
    ("services", {"spec.type": "Odd"}, "spec.type",
     'Unsupported value: "Odd": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"'),
    ("services", {"spec.ports": None}, "spec.ports", "Required value"),
    ("services", {"spec.ports": [{"port": 80, "nodePort": 30000}]}, "spec.ports[0].nodePort",
     "Forbidden: may not be used when `type` is 'ClusterIP'"),
    ("services", {"spec.type": "NodePort", "spec.ports": [{"port": 80, "nodePort": 80}]},
     "spec.ports[0].nodePort",
     "Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767"),
    ("services", {"spec.type": "ExternalName", "spec.ports": None}, "spec.externalName", "Required value"),
    ("services", {"spec.externalTrafficPolicy": "Local"}, "spec.externalTrafficPolicy",
     'Invalid value: "Local": may only be set for externally-accessible services'),
    ("configmaps", {"data": {"a b": "1"}}, "data[a b]",
     "Invalid value: \"a b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' "
     "(e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"),
    ("secrets", {"type": "kubernetes.io/tls", "data": {"tls.crt": ""}}, "data[tls.key]", "Required value"),
    ("secrets", {"type": "kubernetes.io/ssh-auth", "data": {"ssh-privatekey": ""}}, "data[%s][ssh-privatekey]",
     "Required value"),
    ("secrets", {"type": "kubernetes.io/service-account-token"},
     "metadata.annotations[kubernetes.io/service-account.name]", "Required value"),
    ("secrets", {"type": "kubernetes.io/dockercfg"}, "data[.dockercfg]", "Required value"),
    ("secrets", {"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": ""}},
     "data[.dockerconfigjson]",
     'Invalid value: "<secret contents redacted>": unexpected end of JSON input'),
    ("secrets", {"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": "W10="}},
     "data[.dockerconfigjson]",
     'Invalid value: "<secret contents redacted>": json: cannot unmarshal array into Go value of type '
     "map[string]interface {}"),
    ("persistentvolumeclaims", {"spec.resources": None}, "spec.resources[storage]", "Required value"),
    ("persistentvolumeclaims", {"spec.volumeMode": "Odd"}, "spec.volumeMode",
     'Unsupported value: "Odd": supported values: "Block", "Filesystem"'),
    ("persistentvolumeclaims", {"spec.accessModes": ["ReadWriteOncePod", "ReadWriteOnce"]},
     "spec.accessModes",
     "Forbidden: may not use ReadWriteOncePod with other access modes"),
    ("persistentvolumes", {"spec.hostPath": None}, "spec", "Required value: must specify a volume type"),
    ("persistentvolumes", {"spec.hostPath": None, "spec.local": {"path": "/x"}}, "spec.nodeAffinity",
     "Required value: Local volume requires node affinity"),
    ("persistentvolumes", {"spec.hostPath": None, "spec.csi": {"driver": "d"}}, "spec.csi.volumeHandle",
     "Required value"),
    ("persistentvolumes", {"spec.accessModes": ["ReadWriteOnce", "ReadWriteOncePod"]}, "spec.accessModes",
     "Forbidden: may not use ReadWriteOncePod with other access modes"),
    ("persistentvolumes", {"spec.volumeAttributesClassName": "fast"}, "spec.csi",
     "Required value: has to be specified when using volumeAttributesClassName"),
    ("poddisruptionbudgets", {"spec.minAvailable": -1}, "spec.minAvailable", NEGATIVE),
    ("poddisruptionbudgets", {"spec.selector": {"matchExpressions": [{"key": "a", "operator": "In"}]}},
     "spec.selector.matchExpressions[0].values",
     "Required value: must be specified when `operator` is 'In' or 'NotIn'"),
    ("horizontalpodautoscalers", {"spec.minReplicas": 0}, "spec.minReplicas",
     "Invalid value: 0: must be greater than or equal to 1"),
    ("horizontalpodautoscalers", {"spec.metrics": [{"type": "Resource"}]}, "spec.metrics[0].resource",
     "Required value: must populate information for the given metric source"),
    ("ingresses", {"spec.rules.0.http.paths.0.path": "x"}, "spec.rules[0].http.paths[0].path",
     'Invalid value: "x": must be an absolute path'),
    ("ingresses", {"spec.rules.0.http.paths.0.pathType": None}, "spec.rules[0].http.paths[0].pathType",
     "Required value: pathType must be specified"),
    ("ingresses", {"spec.rules.0.host": "10.0.0.1"}, "spec.rules[0].host",
     'Invalid value: "10.0.0.1": must be a DNS name, not an IP address'),
    ("leases", {"spec.leaseDurationSeconds": 0}, "spec.leaseDurationSeconds",
     "Invalid value: 0: must be greater than 0"),
    ("limitranges", {"spec.limits.0.type": "Odd"}, "spec.limits[0].type",
     'Invalid value: "Odd": must be a standard limit type or fully qualified'),
    ("limitranges", {"spec.limits.0": {"type": "Pod", "maxLimitRequestRatio": {"cpu": "500m"}}},
     "spec.limits[0].maxLimitRequestRatio[cpu]",
     'Invalid value: "500m": ratio 500m is less than 1'),
    ("resourcequotas", {"spec.hard": {"pods": "1500m"}}, "spec.hard[pods]",
     'Invalid value: "1500m": must be an integer'),
    ("resourcequotas", {"spec.hard": {"requests.storage": "1"}, "spec.scopes": ["BestEffort"]}, "spec.scopes",
     'Invalid value: ["BestEffort"]: unsupported scope applied to resource'),
    ("priorityclasses", {"value": 1_000_000_001}, "value",
     "Forbidden: maximum allowed value of a user defined priority is 1000000000"),
    ("runtimeclasses", {"handler": "A"}, "handler",
     "Invalid value: \"A\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or "
     "'-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used "
     "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"),
    ("nodes", {"spec.taints": [{"key": "a", "effect": "Never"}]}, "spec.taints[0].effect",
     'Unsupported value: "Never": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"'),
    ("nodes", {"status": {"capacity": {"cpu": "-1"}, "allocatable": {"cpu": "1"}}}, "status.capacity[cpu]",
     'Invalid value: "-1": must be greater than or equal to 0'),
    ("podtemplates", {"template.spec.containers": []}, "template.spec.containers", "Required value"),
    ("replicationcontrollers", {"spec.selector": {"b": "b"}}, "spec.template.metadata.labels",
     'Invalid value: {"app":"a"}: `selector` does not match template `labels`'),
    ("networkpolicies", {"spec.policyTypes": ["Odd"]}, "spec.policyTypes[0]",
     'Unsupported value: "Odd": supported values: "Egress", "Ingress"'),
    ("storageclasses", {"reclaimPolicy": "Odd"}, "reclaimPolicy",
     'Unsupported value: "Odd": supported values: "Delete", "Retain"'),
    ("csidrivers", {"spec.tokenRequests": [{"audience": "a"}, {"audience": "a"}]},
     "spec.tokenRequests[1].audience", 'Duplicate value: "a"'),
    ("csidrivers", {"spec.tokenRequests": [{"audience": "a", "expirationSeconds": 60}]},
     "spec.tokenRequests[0].expirationSeconds",
     "Invalid value: 60: may not specify a duration less than 10 minutes"),
    ("csidrivers", {"spec.nodeAllocatableUpdatePeriodSeconds": 9}, "spec.nodeAllocatableUpdatePeriodSeconds",
     "Invalid value: 9: must be greater than or equal to 10 seconds"),
    ("csinodes", {"spec.drivers.0.nodeID": ""}, "spec.drivers[0].nodeID", "Required value"),
    ("csinodes", {"spec.drivers.0.allocatable": {"count": -1}}, "spec.drivers[0].allocatable.count", NEGATIVE),
    ("csinodes", {"spec.drivers.0.topologyKeys": ["a", "a"]}, "spec.drivers[0]", 'Duplicate value: "a"'),
    ("volumeattachments", {"spec.source": {}}, "spec.source",
     "Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName"),
    ("endpoints", {"subsets": [{"ports": [{"port": 80}]}]}, "subsets[0]",
     "Required value: must specify `addresses` or `notReadyAddresses`"),
    ("endpoints", {"subsets.0.addresses.0.ip": "127.0.0.1"}, "subsets[0].addresses[0].ip",
     'Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)'),
    ("endpointslices", {"endpoints.0.addresses": ["169.254.1.1"]}, "endpoints[0].addresses[0]",
     'Invalid value: "169.254.1.1": may not be in the link-local range (169.254.0.0/16, fe80::/10)'),
    ("endpointslices", {"addressType": "FQDN", "endpoints.0.addresses": ["host"]}, "endpoints[0].addresses[0]",
     'Invalid value: "host": should be a domain with at least two segments separated by dots'),
    ("endpointslices", {"endpoints.0.hints": {"forZones": [{"name": "z"}, {"name": "z"}]}},
     "endpoints[0].hints.forZones[1].name", 'Duplicate value: "z"'),
    ("endpointslices", {"ports": [{"name": "a", "port": 1}, {"name": "a", "port": 2}]}, "ports[1].name",
     'Duplicate value: "a"'),
    ("events", {"involvedObject.namespace": "other"}, "involvedObject.namespace",
     'Invalid value: "other": does not match event.namespace'),
    ("ingressclasses", {"spec.parameters": {"kind": "K", "name": "n", "scope": "Cluster", "namespace": "ns"}},
     "spec.parameters.namespace", "Forbidden: `parameters.scope` is set to 'Cluster'"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "field", "message"), PODS)
def test_pods(changes: dict[str, Any], field: str, message: str) -> None:
    assert causes("pods", changes) == [(field, message)]


@pytest.mark.parametrize(("plural", "changes", "field", "message"), OTHERS)
def test_other_kinds(plural: str, changes: dict[str, Any], field: str, message: str) -> None:
    assert causes(plural, changes) == [(field, message)]


@pytest.mark.parametrize(
    ("schedule", "problem"),
    [
        ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
        ("60 * * * *", "end of range (60) above maximum (59): 60"),
        ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
        ("5-3 * * * *", "beginning of range (5) beyond end of range (3): 5-3"),
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
        ("a * * * *", 'failed to parse int from a: strconv.Atoi: parsing "a": invalid syntax'),
        ("@often", "unrecognized descriptor: @often"),
    ],
)
def test_schedules_that_cannot_be_parsed(schedule: str, problem: str) -> None:
    changes = {"spec.schedule": schedule}
    assert causes("cronjobs", changes) == [("spec.schedule", f'Invalid value: "{schedule}": {problem}')]


@pytest.mark.parametrize("schedule", ["@daily", "0 0 1 jan sun", "1,2 */3 5-9/2 * MON-FRI", "? 0 * * *"])
def test_valid_schedules(schedule: str) -> None:
    server = Server()
    assert server.create("cronjobs", spoilt("cronjobs", {"spec.schedule": schedule}), "ns")


def test_several_causes_are_joined_in_brackets() -> None:
    server = Server()
    one = refusal(lambda: server.create("deployments", spoilt("deployments", {"spec.replicas": -1}), "ns"))
    assert one.message == f'Deployment.apps "x" is invalid: spec.replicas: {NEGATIVE}'
    changes = {"spec.replicas": -1, "spec.revisionHistoryLimit": -1}
    two = refusal(lambda: server.create("deployments", spoilt("deployments", changes), "ns"))
    assert two.message == (
        f'Deployment.apps "x" is invalid: [spec.replicas: {NEGATIVE}, spec.revisionHistoryLimit: {NEGATIVE}]'
    )


def test_limits_of_the_data_of_secrets() -> None:
    assert causes("secrets", {"type": "kubernetes.io/basic-auth"}) == [
        ("data[%s][username]", "Required value"),
        ("data[%s][password]", "Required value"),
    ]
    most = base64.b64encode(bytes(1024 * 1024)).decode()
    assert most.endswith("=")
    assert Server().create("secrets", spoilt("secrets", {"data": {"a": most}}), "ns")["data"]
    assert [field for field, _ in causes("secrets", {"data": {"a": most, "b": "MQ=="}})] == ["data"]


def test_images_and_certificates_of_volumes_have_defaults() -> None:
    """KEP-4639: the pull policy of an image volume follows its tag; KEP-4317: certificates live for a day."""
    made = sample("pods")
    certificate = {"signerName": "e.x/s", "keyType": "ED25519", "credentialBundlePath": "k"}
    made["spec"]["volumes"] = [
        {"name": "a", "image": {"reference": "i"}},
        {"name": "b", "image": {"reference": "i:1"}},
        {"name": "c", "projected": {"sources": [{"podCertificate": certificate}]}},
    ]
    latest, tagged, own = Server().create("pods", made, "ns")["spec"]["volumes"][:3]
    assert (latest["image"]["pullPolicy"], tagged["image"]["pullPolicy"]) == ("Always", "IfNotPresent")
    assert own["projected"]["sources"][0]["podCertificate"]["maxExpirationSeconds"] == 86400
