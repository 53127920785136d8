"""Configurations that kube-scheduler rejects, and its messages."""

from typing import Any

import pytest

from kschedcore.engine.config.loading import load_config
from kschedcore.errors import ConfigError

HEAD = {"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration"}

QUEUE = {"queueSort": {"enabled": [{"name": "Q"}]}}


def message(config: Any) -> Any:
    with pytest.raises(ConfigError) as caught:
        load_config({**HEAD, **config})
    return str(caught.value)


def test_a_default_configuration_is_valid() -> None:
    assert load_config(HEAD) == load_config()


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"parallelism": 0}, "parallelism: Invalid value: 0: should be an integer value greater than zero"),
        (
            {"podInitialBackoffSeconds": 0},
            "podInitialBackoffSeconds: Invalid value: 0: must be greater than 0",
        ),
        (
            {"podInitialBackoffSeconds": 5, "podMaxBackoffSeconds": 4},
            "podMaxBackoffSeconds: Invalid value: 4: must be greater than or equal to PodInitialBackoffSeconds",
        ),
        (
            {"percentageOfNodesToScore": 101},
            "percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100]",
        ),
        (
            {"profiles": [{"percentageOfNodesToScore": -1}]},
            "profiles[0].percentageOfNodesToScore: Invalid value: -1: not in valid range [0-100]",
        ),
        ({"profiles": [{"schedulerName": ""}]}, "profiles[0].schedulerName: Required value"),
        ({"profiles": [{"schedulerName": "a"}, {}]}, "profiles[1].schedulerName: Required value"),
        (
            {"profiles": [{"schedulerName": "a"}, {"schedulerName": "a"}]},
            'profiles[1].schedulerName: Duplicate value: "profiles[0].schedulerName"',
        ),
        (
            {
                "profiles": [
                    {"schedulerName": "a"},
                    {"schedulerName": "b", "plugins": {"queueSort": {"enabled": [{"name": "Q"}]}}},
                ]
            },
            'profiles[1].plugins.queueSort: Invalid value: {"disabled":[],"enabled":["Q"]}: '
            "must be the same for all profiles",
        ),
        (
            {
                "profiles": [
                    {
                        "schedulerName": name,
                        "plugins": QUEUE,
                        "pluginConfig": [{"name": "Q", "args": {"by": name}}],
                    }
                    for name in "ab"
                ]
            },
            'profiles[1].pluginConfig.args: Invalid value: {"by":"b"}: queueSort must be the same for all profiles',
        ),
        (
            {"profiles": [{"plugins": {"queueSort": {"enabled": [{"name": "Q"}, {"name": "R"}]}}}]},
            "profiles[0].plugins.queueSort.Enabled: Invalid value: 2: only one queue sort plugin can be enabled",
        ),
        (
            {"profiles": [{"plugins": {"filter": {"enabled": [{"name": "EBSLimits"}]}}}]},
            'profiles[0].plugins.filter.enabled[0]: Invalid value: "EBSLimits": was invalid in version "v1" '
            '(KubeSchedulerConfiguration is version "kubescheduler.config.k8s.io/v1")',
        ),
        (
            {"profiles": [{"pluginConfig": [{"name": "NodeName"}, {"name": "NodeName"}]}]},
            'profiles[0].pluginConfig[1]: Duplicate value: "NodeName"',
        ),
        (
            {"extenders": [{"prioritizeVerb": "rate", "weight": 0}]},
            "extenders[0].weight: Invalid value: 0: must have a positive weight applied to it",
        ),
        (
            {"extenders": [{"bindVerb": "a"}, {"bindVerb": "b"}]},
            'extenders: Invalid value: "found 2 extenders implementing bind": only one extender can implement bind',
        ),
        (
            {"extenders": [{"httpTimeout": "5"}]},
            'extenders[0].httpTimeout: Invalid value: "5": time: missing unit in duration "5"',
        ),
        (
            {"extenders": [{"managedResources": [{"name": "cpu"}]}]},
            'extenders[0].managedResources[0].name: Invalid value: "cpu": is an invalid extended resource name',
        ),
        (
            {
                "extenders": [
                    {"managedResources": [{"name": "a.io/x"}]},
                    {"managedResources": [{"name": "a.io/x"}]},
                ]
            },
            'extenders[1].managedResources[0].name: Invalid value: "a.io/x": '
            "duplicate extender managed resource name",
        ),
        ({"profile": []}, 'strict decoding error: unknown field "profile"'),
        (
            {"profiles": [{"plugins": {"filters": {}}}]},
            'strict decoding error: unknown field "profiles[0].plugins.filters"',
        ),
        ({"parallelism": "many"}, "parallelism: Expected `int`, got `str`"),
        (
            {"profiles": [{"plugins": {"score": {"enabled": [{"name": "NodeName", "weight": 2**31}]}}}]},
            "profiles[0].plugins.score.enabled[0].weight: Expected `int` <= 2147483647",
        ),
        (
            {"parallelism": -1, "podInitialBackoffSeconds": 0},
            "[parallelism: Invalid value: -1: should be an integer value greater than zero, "
            "podInitialBackoffSeconds: Invalid value: 0: must be greater than 0]",
        ),
    ],
)
def test_configurations(config: Any, expected: str) -> None:
    assert message(config) == expected


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ({}, "apiVersion: Required value: expected kubescheduler.config.k8s.io/v1"),
        (
            {"apiVersion": "kubescheduler.config.k8s.io/v1"},
            "kind: Required value: expected KubeSchedulerConfiguration",
        ),
        (
            {"apiVersion": "v1", "kind": "Pod"},
            'no kind "Pod" is registered for version "v1"; '
            "expected KubeSchedulerConfiguration of kubescheduler.config.k8s.io/v1",
        ),
    ],
)
def test_kinds(head: Any, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(head)
    assert str(caught.value) == expected


PATH = "profiles[0].pluginConfig[0].args"
TERM = f"{PATH}.addedAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]"


def required(*expressions: Any, fields: Any = ()) -> Any:
    terms = [{"matchExpressions": list(expressions), "matchFields": list(fields)}]
    return {"addedAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}


def spread(**fields: Any) -> Any:
    constraint = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway", **fields}
    return {"defaultingType": "List", "defaultConstraints": [constraint]}


@pytest.mark.parametrize(
    ("plugin", "args", "expected"),
    [
        (
            "DefaultPreemption",
            {"minCandidateNodesPercentage": 101},
            f"{PATH}.minCandidateNodesPercentage: Invalid value: 101: not in valid range [0, 100]",
        ),
        (
            "DefaultPreemption",
            {"minCandidateNodesAbsolute": -1},
            f"{PATH}.minCandidateNodesAbsolute: Invalid value: -1: not in valid range [0, inf)",
        ),
        (
            "DefaultPreemption",
            {"minCandidateNodesAbsolute": 0, "minCandidateNodesPercentage": 0},
            f"[{PATH}.minCandidateNodesPercentage: Invalid value: 0: "
            "cannot be zero at the same time as minCandidateNodesAbsolute, "
            f"{PATH}.minCandidateNodesAbsolute: Invalid value: 0: "
            "cannot be zero at the same time as minCandidateNodesPercentage]",
        ),
        (
            "InterPodAffinity",
            {"hardPodAffinityWeight": 101},
            f"{PATH}.hardPodAffinityWeight: Invalid value: 101: not in valid range [0, 100]",
        ),
        (
            "VolumeBinding",
            {"bindTimeoutSeconds": -1},
            f"{PATH}.bindTimeoutSeconds: Invalid value: -1: "
            "invalid BindTimeoutSeconds, should not be a negative value",
        ),
        (
            "VolumeBinding",
            {"shape": [{"utilization": 0, "score": 1}]},
            f'{PATH}.shape: Invalid value: [{{"utilization":0,"score":1}}]: unexpected field `shape`, '
            "remove it or turn on the feature gate StorageCapacityScoring",
        ),
        (
            "NodeResourcesBalancedAllocation",
            {"resources": [{"name": "cpu"}, {"name": "cpu", "weight": 2}]},
            f'[{PATH}.resources[1].name: Duplicate value: "cpu", '
            f"{PATH}.resources[1].weight: Invalid value: 2: must be 1]",
        ),
        (
            "NodeResourcesFit",
            {"scoringStrategy": {}},
            f'{PATH}.scoringStrategy.type: Unsupported value: "": supported values: "LeastAllocated", '
            '"MostAllocated", "RequestedToCapacityRatio"',
        ),
        (
            "NodeResourcesFit",
            {"ignoredResourceGroups": ["a.io/b"]},
            f"{PATH}.ignoredResourceGroups[0]: Invalid value: \"a.io/b\": resource group name can't contain '/'",
        ),
        (
            "NodeResourcesFit",
            {"scoringStrategy": {"type": "MostAllocated", "resources": [{"name": "cpu", "weight": 101}]}},
            f"{PATH}.scoringStrategy.resources[0].weight: Invalid value: 101: "
            "resource weight of cpu not in valid range (0, 100]",
        ),
        (
            "NodeResourcesFit",
            {"scoringStrategy": {"type": "RequestedToCapacityRatio"}},
            f"{PATH}.scoringStrategy.requestedToCapacityRatio: Required value: "
            "must be specified when type is RequestedToCapacityRatio",
        ),
        (
            "NodeResourcesFit",
            {"scoringStrategy": {"type": "LeastAllocated", "requestedToCapacityRatio": {}}},
            f"{PATH}.scoringStrategy.shape: Required value: at least one point must be specified",
        ),
        (
            "NodeResourcesFit",
            {"scoringStrategy": {"type": "RequestedToCapacityRatio", "requestedToCapacityRatio": {}}},
            f"{PATH}.scoringStrategy.shape: Required value: at least one point must be specified",
        ),
        (
            "NodeResourcesFit",
            {
                "scoringStrategy": {
                    "type": "RequestedToCapacityRatio",
                    "requestedToCapacityRatio": {
                        "shape": [{"utilization": 50, "score": 11}, {"utilization": 50, "score": 0}]
                    },
                }
            },
            f"[{PATH}.scoringStrategy.shape[1].utilization: Invalid value: 50: "
            "values must be sorted in increasing order, "
            f"{PATH}.scoringStrategy.shape[0].score: Invalid value: 11: "
            "not in valid range [0, 10]]",
        ),
        (
            "PodTopologySpread",
            {**spread(), "defaultingType": "System"},
            f'{PATH}.defaultingType: Invalid value: "System": when .defaultConstraints are not empty',
        ),
        (
            "PodTopologySpread",
            {"defaultingType": "Some"},
            f'{PATH}.defaultingType: Unsupported value: "Some": supported values: "System", "List"',
        ),
        (
            "PodTopologySpread",
            spread(maxSkew=0),
            f"{PATH}.defaultConstraints[0].maxSkew: Invalid value: 0: not in valid range (0, inf)",
        ),
        (
            "PodTopologySpread",
            spread(topologyKey=""),
            f"{PATH}.defaultConstraints[0].topologyKey: Required value: can not be empty",
        ),
        (
            "PodTopologySpread",
            spread(whenUnsatisfiable="Never"),
            f'{PATH}.defaultConstraints[0].whenUnsatisfiable: Unsupported value: "Never": '
            'supported values: "DoNotSchedule", "ScheduleAnyway"',
        ),
        (
            "PodTopologySpread",
            spread(labelSelector={}),
            f"{PATH}.defaultConstraints[0].labelSelector: Forbidden: "
            "constraint must not define a selector, as they deduced for each pod",
        ),
        (
            "PodTopologySpread",
            {"defaultingType": "List", "defaultConstraints": spread()["defaultConstraints"] * 2},
            f'{PATH}.defaultConstraints[1]: Duplicate value: "{{zone, ScheduleAnyway}}"',
        ),
        (
            "NodeAffinity",
            required({"key": "os", "operator": "Is", "values": ["linux"]}),
            f'{TERM}.matchExpressions[0].operator: Unsupported value: "Is": supported values: '
            '"DoesNotExist", "Exists", "Gt", "In", "Lt", "NotIn"',
        ),
        (
            "NodeAffinity",
            required({"key": "os", "operator": "In"}),
            f"{TERM}.matchExpressions[0].values: Invalid value: []: "
            "for 'in', 'notin' operators, values set can't be empty",
        ),
        (
            "NodeAffinity",
            required({"key": "size", "operator": "Gt", "values": ["big"]}),
            f'{TERM}.matchExpressions[0].values[0]: Invalid value: "big": '
            "for 'Gt', 'Lt' operators, the value must be an integer",
        ),
        (
            "NodeAffinity",
            required(fields=[{"key": "metadata.name", "operator": "In", "values": ["a", "b"]}]),
            f'{TERM}.matchFields[0].values: Invalid value: ["a","b"]: must have one element',
        ),
        (
            "DynamicResources",
            {"filterTimeout": "-1s"},
            f'{PATH}.filterTimeout: Invalid value: "-1s": must be zero or positive',
        ),
        (
            "DynamicResources",
            {"bindingTimeout": "10ms"},
            f'{PATH}.bindingTimeout: Invalid value: "10ms": must be at least 1 second',
        ),
        (
            "NodeResourcesFit",
            {"kind": "NodeAffinityArgs"},
            "decoding .profiles[0].pluginConfig[0]: args for plugin NodeResourcesFit were not of type "
            "NodeResourcesFitArgs.kubescheduler.config.k8s.io, got NodeAffinityArgs.kubescheduler.config.k8s.io",
        ),
        (
            "InterPodAffinity",
            {"hardPodAffinityWeigth": 1},
            "decoding .profiles[0].pluginConfig[0]: decoding args for plugin InterPodAffinity: "
            'strict decoding error: unknown field "hardPodAffinityWeigth"',
        ),
        (
            "InterPodAffinity",
            {"hardPodAffinityWeight": "1"},
            "decoding .profiles[0].pluginConfig[0]: decoding args for plugin InterPodAffinity: "
            "hardPodAffinityWeight: Expected `int`, got `str`",
        ),
    ],
)
def test_arguments(plugin: str, args: Any, expected: str) -> None:
    assert message({"profiles": [{"pluginConfig": [{"name": plugin, "args": args}]}]}) == expected
