"""Taints, and tolerations that may match them."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from kschedcore.api.machinery.types import Object
from kschedcore.api.taints import EFFECTS
from kschedcore.testing.strategies.vocabulary import TAINT_KEYS, TAINT_VALUES

__all__ = ["taints", "tolerations"]


def taints(
    keys: Sequence[str] = TAINT_KEYS,
    values: Sequence[str] = TAINT_VALUES,
    effects: Sequence[str] = EFFECTS,
    *,
    max_size: int = 2,
) -> st.SearchStrategy[list[Object]]:
    """Draw one or more taints, each key and effect once.

    Args:
        keys: The possible keys.
        values: The possible values; a taint may have none.
        effects: To choose among.
        max_size: Maximum number of taints.
    """
    taint = st.fixed_dictionaries(
        {"key": st.sampled_from(keys), "effect": st.sampled_from(effects)},
        optional={"value": st.sampled_from(values)},
    )
    return st.lists(taint, min_size=1, max_size=max_size, unique_by=lambda t: (t["key"], t["effect"]))


def tolerations(
    keys: Sequence[str] = (*TAINT_KEYS, "node.kubernetes.io/unschedulable"),
    values: Sequence[str] = TAINT_VALUES,
    effects: Sequence[str] = EFFECTS,
    *,
    max_size: int = 2,
) -> st.SearchStrategy[list[Object]]:
    """Draw one or more tolerations: of a value, of a key, of everything, or for some seconds.

    Args:
        keys: The possible keys.
        values: To choose among.
        effects: The possible effects; a toleration may be for all of them.
        max_size: Maximum number of tolerations.
    """
    key, exists = st.sampled_from(keys), st.just("Exists")
    effect = {"effect": st.sampled_from(effects)}
    kinds = [
        st.fixed_dictionaries({"key": key, "operator": exists}, optional=effect),
        st.fixed_dictionaries({"operator": exists}, optional=effect),
        st.fixed_dictionaries(
            {"key": key, "value": st.sampled_from(values)},
            optional={"operator": st.just("Equal"), **effect},
        ),
    ]
    if "NoExecute" in effects:
        kinds.append(
            st.fixed_dictionaries(
                {"key": key, "operator": exists, "effect": st.just("NoExecute")},
                optional={"tolerationSeconds": st.sampled_from([0, 300])},
            )
        )
    return st.lists(st.one_of(kinds), min_size=1, max_size=max_size)
