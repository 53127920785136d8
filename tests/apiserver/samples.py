"""One valid object of each kind, and copies with some fields made invalid."""

from __future__ import annotations

import copy
from typing import Any

POD_SPEC: dict[str, Any] = {"containers": [{"name": "c", "image": "nginx:1.25"}]}
TEMPLATE: dict[str, Any] = {"metadata": {"labels": {"app": "a"}}, "spec": POD_SPEC}
JOB_TEMPLATE: dict[str, Any] = {"spec": {**POD_SPEC, "restartPolicy": "Never"}}
SELECTOR: dict[str, Any] = {"matchLabels": {"app": "a"}}
CLAIM_SPEC: dict[str, Any] = {
    "accessModes": ["ReadWriteOnce"],
    "storageClassName": "",
    "resources": {"requests": {"storage": "1Gi"}},
}
SAMPLES: dict[str, dict[str, Any]] = {
    "pods": {"spec": POD_SPEC},
    "deployments": {"spec": {"selector": SELECTOR, "template": TEMPLATE}},
    "replicasets": {"spec": {"selector": SELECTOR, "template": TEMPLATE}},
    "daemonsets": {"spec": {"selector": SELECTOR, "template": TEMPLATE}},
    "statefulsets": {"spec": {"selector": SELECTOR, "template": TEMPLATE, "serviceName": "s"}},
    "podtemplates": {"template": TEMPLATE},
    "replicationcontrollers": {"spec": {"selector": {"app": "a"}, "template": TEMPLATE}},
    "networkpolicies": {"spec": {"podSelector": {}, "ingress": [{"from": [{"podSelector": SELECTOR}]}]}},
    "jobs": {"spec": {"template": JOB_TEMPLATE}},
    "cronjobs": {"spec": {"schedule": "*/5 * * * *", "jobTemplate": {"spec": {"template": JOB_TEMPLATE}}}},
    "services": {"spec": {"selector": {"app": "a"}, "ports": [{"port": 80}]}},
    "configmaps": {"data": {"a": "1"}},
    "secrets": {"data": {"a": "MQ=="}},
    "persistentvolumeclaims": {"spec": CLAIM_SPEC},
    "persistentvolumes": {
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "hostPath": {"path": "/data"},
        }
    },
    "poddisruptionbudgets": {"spec": {"minAvailable": 1, "selector": SELECTOR}},
    "horizontalpodautoscalers": {
        "spec": {
            "maxReplicas": 3,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"},
        }
    },
    "ingresses": {
        "spec": {
            "rules": [
                {
                    "host": "a.example.com",
                    "http": {
                        "paths": [
                            {
                                "path": "/",
                                "pathType": "Prefix",
                                "backend": {"service": {"name": "s", "port": {"number": 80}}},
                            }
                        ]
                    },
                }
            ]
        }
    },
    "leases": {"spec": {"holderIdentity": "a", "leaseDurationSeconds": 15}},
    "limitranges": {"spec": {"limits": [{"type": "Container", "max": {"cpu": "1"}}]}},
    "resourcequotas": {"spec": {"hard": {"pods": "1"}}},
    "namespaces": {},
    "nodes": {},
    "priorityclasses": {"value": 10},
    "runtimeclasses": {"handler": "runc"},
    "csidrivers": {"spec": {"attachRequired": False}},
    "csinodes": {"spec": {"drivers": [{"name": "d.example.com", "nodeID": "n"}]}},
    "volumeattachments": {
        "spec": {"attacher": "d.example.com", "nodeName": "n", "source": {"persistentVolumeName": "v"}}
    },
    "endpoints": {"subsets": [{"addresses": [{"ip": "10.1.2.3"}], "ports": [{"port": 80}]}]},
    "endpointslices": {
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.1.2.3"]}],
        "ports": [{"name": "http", "port": 80}],
    },
    "events": {
        "involvedObject": {"kind": "Pod", "name": "p", "namespace": "ns"},
        "reason": "Started",
        "type": "Normal",
    },
    "ingressclasses": {"spec": {"controller": "example.com/c"}},
    "storageclasses": {"provisioner": "example.com/disk"},
}


def sample(plural: str, name: str = "x") -> dict[str, Any]:
    """A new copy of the valid object of a kind."""
    return {"metadata": {"name": name}, **copy.deepcopy(SAMPLES[plural])}


def spoilt(plural: str, changes: dict[str, Any]) -> dict[str, Any]:
    """A sample with the values at some dotted paths replaced; None takes the field away."""
    obj = sample(plural)
    for path, value in changes.items():
        *parents, last = path.split(".")
        place: Any = obj
        for key in parents:
            place = place[int(key)] if isinstance(place, list) else place.setdefault(key, {})
        if isinstance(place, list):
            place[int(last)] = value
        elif value is None:
            place.pop(last, None)
        else:
            place[last] = value
    return obj
