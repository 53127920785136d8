"""Mutated KubeSchedulerConfigurations: followed, or refused in one line."""

from __future__ import annotations

import random
from typing import Any

from tests.fuzz._commands import APP, CLUSTER, check
from tests.fuzz._mutations import mutated

EXPRESSION = {"key": "kubernetes.io/hostname", "operator": "Exists"}
ARGS: dict[str, Any] = {
    "NodeResourcesFit": {
        "scoringStrategy": {
            "type": "RequestedToCapacityRatio",
            "resources": [{"name": "cpu", "weight": 1}],
            "requestedToCapacityRatio": {
                "shape": [{"utilization": 0, "score": 0}, {"utilization": 100, "score": 10}]
            },
        },
        "ignoredResources": ["a.b/c"],
    },
    "NodeAffinity": {
        "addedAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": [EXPRESSION]}]
            }
        }
    },
    "PodTopologySpread": {
        "defaultingType": "List",
        "defaultConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}],
    },
    "DefaultPreemption": {"minCandidateNodesPercentage": 10, "minCandidateNodesAbsolute": 5},
    "InterPodAffinity": {"hardPodAffinityWeight": 3},
    "VolumeBinding": {"bindTimeoutSeconds": 600},
}
CONFIGURATION = {
    "apiVersion": "kubescheduler.config.k8s.io/v1",
    "kind": "KubeSchedulerConfiguration",
    "percentageOfNodesToScore": 50,
    "parallelism": 4,
    "podInitialBackoffSeconds": 1,
    "leaderElection": {"leaderElect": False},
    "clientConnection": {"qps": 5.0, "burst": 3},
    "profiles": [
        {
            "schedulerName": "default-scheduler",
            "percentageOfNodesToScore": 10,
            "plugins": {
                "score": {
                    "enabled": [{"name": "NodeResourcesFit", "weight": 3}],
                    "disabled": [{"name": "ImageLocality"}],
                },
                "multiPoint": {"enabled": [{"name": "TaintToleration"}]},
            },
            "pluginConfig": [{"name": name, "args": args} for name, args in ARGS.items()],
        }
    ],
}


def run(seed: int) -> None:
    """Run one case."""
    configuration = mutated(CONFIGURATION, random.Random(seed))
    check(configuration, "schedule", "-f", CLUSTER, "-f", APP, "--config", "FILE")
