"""Node selector terms and pod affinity terms over the small vocabulary."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from kschedcore.api.machinery.types import Object
from kschedcore.testing.strategies.labels import label_expressions, label_selectors
from kschedcore.testing.strategies.vocabulary import (
    NAMESPACES,
    NODE_LABELS,
    TOPOLOGY_KEYS,
    ZONE,
    ZONES,
)

__all__ = ["node_affinities", "node_selector_terms", "pod_affinities", "pod_affinity_terms"]

_NODE_LABELS = {**NODE_LABELS, ZONE: ZONES, "absent": ("x",)}


def _node_expressions() -> st.SearchStrategy[Object]:
    """Match expressions on node labels, with ```Gt``` and ```Lt```."""
    compared = st.fixed_dictionaries(
        {
            "key": st.just("gen"),
            "operator": st.sampled_from(["Gt", "Lt"]),
            "values": st.sampled_from([["0"], ["1"], ["5"]]),
        }
    )
    return st.one_of(label_expressions(_NODE_LABELS), compared)


def node_selector_terms(node_names: Sequence[str]) -> st.SearchStrategy[Object]:
    """Terms of expressions, of ``metadata.name`` fields, or of both."""
    expressions = st.lists(_node_expressions(), min_size=1, max_size=2)
    fields = st.fixed_dictionaries(
        {
            "key": st.just("metadata.name"),
            "operator": st.sampled_from(["In", "NotIn"]),
            "values": st.sampled_from([*node_names, "no-such-node"]).map(lambda name: [name]),
        }
    ).map(lambda field: [field])
    return st.one_of(
        st.fixed_dictionaries({"matchExpressions": expressions}),
        st.fixed_dictionaries({"matchFields": fields}),
        st.fixed_dictionaries({"matchExpressions": expressions, "matchFields": fields}),
    )


def node_affinities(node_names: Sequence[str]) -> st.SearchStrategy[Object]:
    """``NodeAffinity`` with required terms, preferred terms, or both."""
    terms = node_selector_terms(node_names)
    required = st.lists(terms, min_size=1, max_size=2).map(lambda listed: {"nodeSelectorTerms": listed})
    preferred = st.lists(
        st.fixed_dictionaries({"weight": st.integers(1, 100), "preference": terms}), min_size=1, max_size=2
    )
    return _required_or_preferred(required, preferred)


def pod_affinities() -> st.SearchStrategy[Object]:
    """``PodAffinity`` or ``PodAntiAffinity``, with required terms, preferred terms, or both."""
    required = st.lists(pod_affinity_terms(), min_size=1, max_size=2)
    preferred = st.lists(
        st.fixed_dictionaries({"weight": st.integers(1, 100), "podAffinityTerm": pod_affinity_terms()}),
        min_size=1,
        max_size=2,
    )
    return _required_or_preferred(required, preferred)


def pod_affinity_terms() -> st.SearchStrategy[Object]:
    """Terms for the pod's own namespace, for listed ones, for selected ones, or for both."""
    namespace_selectors: st.SearchStrategy[Object] = st.sampled_from(
        [
            {},
            {"matchLabels": {"team": "a"}},
            {"matchExpressions": [{"key": "team", "operator": "Exists"}]},
            {"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]},
        ]
    )
    return st.fixed_dictionaries(
        {"topologyKey": st.sampled_from(TOPOLOGY_KEYS), "labelSelector": label_selectors()},
        optional={
            "namespaces": st.lists(st.sampled_from(NAMESPACES), min_size=1, max_size=2, unique=True),
            "namespaceSelector": namespace_selectors,
        },
    )


def _required_or_preferred(
    required: st.SearchStrategy[object], preferred: st.SearchStrategy[object]
) -> st.SearchStrategy[Object]:
    hard, soft = (
        "requiredDuringSchedulingIgnoredDuringExecution",
        "preferredDuringSchedulingIgnoredDuringExecution",
    )
    return st.one_of(
        st.fixed_dictionaries({hard: required}),
        st.fixed_dictionaries({soft: preferred}),
        st.fixed_dictionaries({hard: required, soft: preferred}),
    )
