"""Mutated scenarios: simulated, or refused in one line."""

from __future__ import annotations

import random
from typing import Any

from tests.fuzz._commands import APP, CLUSTER, check
from tests.fuzz._mutations import mutated

SCENARIO: dict[str, Any] = {
    "apiVersion": "simulation.kschedcore.dev/v1alpha1",
    "kind": "Scenario",
    "metadata": {"name": "s"},
    "spec": {
        "steps": [
            {"at": "10s", "failNodes": {"zone": "eu-a", "count": 1, "for": "20s", "rebooted": True}},
            {
                "every": "1m",
                "until": "90s",
                "namespace": "shop",
                "grow": {"target": "deployment/web", "percent": 5},
            },
            {"at": "5s", "namespace": "shop", "scale": {"target": "deployment/web", "replicas": 3}},
            {"at": "1s", "addNodes": {"like": "web-a1", "count": 1, "zone": "z"}},
            {"at": "2s", "drainNodes": {"names": ["web-b*"]}},
            {
                "at": "2s",
                "apply": [
                    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "b"}}
                ],
            },
            {"at": "50s", "namespace": "shop", "delete": ["deployment/web"]},
            {
                "at": "3s",
                "namespace": "shop",
                "setImage": {"target": "deployment/web", "images": {"web": "i"}},
            },
        ],
        "arrivals": [
            {
                "name": "j",
                "template": {
                    "apiVersion": "v1",
                    "kind": "Pod",
                    "metadata": {"labels": {"version": "5"}},
                    "spec": {
                        "containers": [{"name": "c", "image": "i", "resources": {"requests": {"cpu": "10m"}}}]
                    },
                },
                "every": {"exponential": "10s"},
                "lifetime": {"lognormal": {"median": "5s", "sigma": 1}},
                "from": 1,
                "until": "1m",
                "count": 3,
            },
            {
                "name": "k",
                "template": {
                    "apiVersion": "batch/v1",
                    "kind": "Job",
                    "spec": {
                        "completions": 1,
                        "template": {
                            "spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}
                        },
                    },
                },
                "every": {"constant": "30s"},
                "lifetime": {"constant": 5},
            },
        ],
        "loads": [
            {"cpu": {"day": {"low": "10m", "high": "100m"}}, "memory": {"constant": "10Mi"}},
            {"cpu": {"steps": [{"from": "1s", "amount": "1"}]}},
        ],
        "behaviours": [
            {"match": {"image": "i"}, "start": {"seconds": 1}, "runs": [{"seconds": 5, "exitCode": 0}]}
        ],
    },
}


def run(seed: int) -> None:
    """Run one case."""
    scenario = mutated(SCENARIO, random.Random(seed))
    check(scenario, "simulate", "-f", CLUSTER, "-f", APP, "-f", "FILE", "--duration", "2m")
