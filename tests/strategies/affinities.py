"""Label selectors, node selector terms and pod affinity terms over the small vocabulary."""

from hypothesis import strategies as st
from tests.strategies.vocabulary import NAMESPACES, NODE_LABELS, POD_LABELS, TOPOLOGY_KEYS, ZONE, ZONES, Json

SELECTABLE_NODE_LABELS = {**NODE_LABELS, ZONE: ZONES, "absent": ("x",)}
SELECTABLE_POD_LABELS = {**POD_LABELS, "absent": ("x",)}


def _set_expressions(vocabulary: dict[str, tuple[str, ...]]) -> st.SearchStrategy[Json]:
    def of_key(key: str) -> st.SearchStrategy[Json]:
        values = st.lists(st.sampled_from(vocabulary[key]), min_size=1, max_size=2, unique=True)
        listed = st.fixed_dictionaries(
            {"key": st.just(key), "operator": st.sampled_from(["In", "NotIn"]), "values": values}
        )
        present = st.fixed_dictionaries(
            {"key": st.just(key), "operator": st.sampled_from(["Exists", "DoesNotExist"])}
        )
        return st.one_of(listed, present)

    return st.sampled_from(sorted(vocabulary)).flatmap(of_key)


def label_selectors() -> st.SearchStrategy[Json]:
    """`metav1.LabelSelector`s over pod labels; now and then the empty one, which matches everything."""
    labels = st.sampled_from([{key: value} for key, values in POD_LABELS.items() for value in values])
    expressions = st.lists(_set_expressions(SELECTABLE_POD_LABELS), min_size=1, max_size=2)
    return st.one_of(
        st.fixed_dictionaries({"matchLabels": labels}),
        st.fixed_dictionaries({"matchExpressions": expressions}),
        st.fixed_dictionaries({"matchLabels": labels, "matchExpressions": expressions}),
        st.just({}),
    )


def node_selector_requirements() -> st.SearchStrategy[Json]:
    """Match expressions on node labels, with `Gt` and `Lt`."""
    compared = st.fixed_dictionaries(
        {
            "key": st.just("gen"),
            "operator": st.sampled_from(["Gt", "Lt"]),
            "values": st.sampled_from([["0"], ["1"], ["5"]]),
        }
    )
    return st.one_of(_set_expressions(SELECTABLE_NODE_LABELS), compared)


def node_selector_terms(node_names: list[str]) -> st.SearchStrategy[Json]:
    """Terms of expressions, of `metadata.name` fields, or of both."""
    expressions = st.lists(node_selector_requirements(), min_size=1, max_size=2)
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


def node_affinities(node_names: list[str]) -> st.SearchStrategy[Json]:
    """`NodeAffinity` with required terms, preferred terms, or both."""
    terms = node_selector_terms(node_names)
    required = st.lists(terms, min_size=1, max_size=2).map(lambda listed: {"nodeSelectorTerms": listed})
    preferred = st.lists(
        st.fixed_dictionaries({"weight": st.integers(1, 100), "preference": terms}), min_size=1, max_size=2
    )
    return _required_or_preferred(required, preferred)


def pod_affinities() -> st.SearchStrategy[Json]:
    """`PodAffinity` or `PodAntiAffinity`, with required terms, preferred terms, or both."""
    required = st.lists(pod_affinity_terms(), min_size=1, max_size=2)
    preferred = st.lists(
        st.fixed_dictionaries({"weight": st.integers(1, 100), "podAffinityTerm": pod_affinity_terms()}),
        min_size=1,
        max_size=2,
    )
    return _required_or_preferred(required, preferred)


def pod_affinity_terms() -> st.SearchStrategy[Json]:
    """Terms for the pod's own namespace, for listed ones, for selected ones, or for both."""
    namespace_selectors: st.SearchStrategy[Json] = st.sampled_from(
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
) -> st.SearchStrategy[Json]:
    hard, soft = (
        "requiredDuringSchedulingIgnoredDuringExecution",
        "preferredDuringSchedulingIgnoredDuringExecution",
    )
    return st.one_of(
        st.fixed_dictionaries({hard: required}),
        st.fixed_dictionaries({soft: preferred}),
        st.fixed_dictionaries({hard: required, soft: preferred}),
    )
