"""KubeSchedulerConfigurations of one profile."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from kschedcore.api.machinery.types import Object
from kschedcore.testing.strategies.affinities import node_selector_terms
from kschedcore.testing.strategies.vocabulary import GPU, HOSTNAME, ZONE

__all__ = ["configs"]

_SCORING = (
    "TaintToleration",
    "NodeAffinity",
    "PodTopologySpread",
    "InterPodAffinity",
    "NodeResourcesFit",
    "NodeResourcesBalancedAllocation",
    "ImageLocality",
)
_FILTERING = ("NodeUnschedulable", "TaintToleration", "NodeAffinity", "NodeResourcesFit", "InterPodAffinity")


def configs(node_names: Sequence[str]) -> st.SearchStrategy[Object]:
    """Draw the default profile with changed plugins, weights, order or args.

    Args:
        node_names: The nodes that an added affinity may name.
    """
    return st.one_of(_plugins().map(lambda p: _config(p, [])), _plugin_configs(node_names))


def _config(plugins: Object, plugin_config: list[Object]) -> Object:
    profile = {"schedulerName": "default-scheduler", "plugins": plugins, "pluginConfig": plugin_config}
    return {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "profiles": [profile],
    }


def _plugins() -> st.SearchStrategy[Object]:
    def disabled(names: tuple[str, ...]) -> st.SearchStrategy[Object]:
        return st.sampled_from(names).map(lambda name: {"disabled": [{"name": name}]})

    weighted = st.lists(
        st.fixed_dictionaries({"name": st.sampled_from(_SCORING), "weight": st.integers(1, 9)}),
        min_size=1,
        max_size=3,
        unique_by=lambda entry: str(entry["name"]),
    )
    enabled: st.SearchStrategy[Object] = st.fixed_dictionaries({"enabled": weighted})
    only_scores = weighted.map(lambda entries: {"disabled": [{"name": "*"}], "enabled": entries})
    return st.one_of(
        st.fixed_dictionaries({"multiPoint": enabled}),
        st.fixed_dictionaries({"score": enabled}),
        st.fixed_dictionaries({"score": only_scores}),
        st.fixed_dictionaries({"score": disabled(_SCORING)}),
        st.fixed_dictionaries({"filter": disabled(_FILTERING)}),
        st.fixed_dictionaries({"multiPoint": disabled((*_SCORING, "DefaultPreemption"))}),
    )


def _plugin_configs(node_names: Sequence[str]) -> st.SearchStrategy[Object]:
    resources = st.lists(
        st.fixed_dictionaries({"name": st.sampled_from(["cpu", "memory", GPU]), "weight": st.integers(1, 5)}),
        min_size=1,
        max_size=3,
        unique_by=lambda resource: str(resource["name"]),
    )
    shape = st.sampled_from(
        [
            [{"utilization": 0, "score": 0}, {"utilization": 100, "score": 10}],
            [
                {"utilization": 0, "score": 10},
                {"utilization": 37, "score": 3},
                {"utilization": 90, "score": 7},
            ],
        ]
    )
    strategy = st.one_of(
        st.fixed_dictionaries(
            {"type": st.sampled_from(["LeastAllocated", "MostAllocated"]), "resources": resources}
        ),
        st.fixed_dictionaries(
            {
                "type": st.just("RequestedToCapacityRatio"),
                "resources": resources,
                "requestedToCapacityRatio": st.fixed_dictionaries({"shape": shape}),
            }
        ),
    )
    return st.one_of(
        _args("NodeResourcesFit", {"scoringStrategy": strategy}),
        _args("NodeResourcesFit", {"ignoredResources": st.just(["example.com/absent"])}),
        _args("NodeResourcesFit", {"ignoredResourceGroups": st.just(["nvidia.com"])}),
        _args("NodeResourcesBalancedAllocation", {"resources": resources.map(_weights_of_one)}),
        _args(
            "InterPodAffinity",
            {
                "hardPodAffinityWeight": st.sampled_from([0, 1, 50, 100]),
                "ignorePreferredTermsOfExistingPods": st.booleans(),
            },
        ),
        _args(
            "NodeAffinity",
            {
                "addedAffinity": st.fixed_dictionaries(
                    {
                        "requiredDuringSchedulingIgnoredDuringExecution": st.fixed_dictionaries(
                            {
                                "nodeSelectorTerms": st.lists(
                                    node_selector_terms(node_names), min_size=1, max_size=2
                                )
                            }
                        )
                    }
                )
            },
        ),
        _args(
            "PodTopologySpread",
            {
                "defaultingType": st.just("List"),
                "defaultConstraints": st.sampled_from([ZONE, HOSTNAME, "disk"]).map(
                    lambda key: [{"maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": "ScheduleAnyway"}]
                ),
            },
        ),
    )


def _weights_of_one(resources: list[Object]) -> list[Object]:
    """Set the weights of BalancedAllocation to 1, the only valid value."""
    return [{**resource, "weight": 1} for resource in resources]


def _args(plugin: str, fields: dict[str, st.SearchStrategy[object]]) -> st.SearchStrategy[Object]:
    type_meta = {"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": f"{plugin}Args"}
    return st.fixed_dictionaries(fields).map(
        lambda args: _config({}, [{"name": plugin, "args": {**type_meta, **args}}])
    )
