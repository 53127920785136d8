"""Labels, and selectors over them."""

from __future__ import annotations

import string

from hypothesis import strategies as st

from kschedcore.api.machinery.types import Object
from kschedcore.testing.strategies.vocabulary import POD_LABELS, Vocabulary

__all__ = ["label_expressions", "label_keys", "label_selectors", "label_values", "labels"]

_ENDS = string.ascii_lowercase + string.digits
_INNER = _ENDS + "-_."


def label_keys() -> st.SearchStrategy[str]:
    """Draw qualified names: ``app``, ``a.example.com/b_c``."""
    prefixes = st.lists(_names(string.ascii_lowercase, 8), min_size=1, max_size=3).map(".".join)
    prefixed = st.tuples(prefixes, _names(_INNER, 63)).map("/".join)
    return st.one_of(_names(_INNER, 63), prefixed)


def label_values() -> st.SearchStrategy[str]:
    """Draw label values, including the empty one."""
    return st.one_of(st.just(""), _names(_INNER, 63))


def _names(inner: str, most: int) -> st.SearchStrategy[str]:
    """Draw up to ``most`` characters that begin and end with a letter or digit."""
    ends = st.sampled_from(_ENDS)
    longer = st.tuples(ends, st.text(inner, max_size=most - 2), ends).map("".join)
    return st.one_of(ends, longer)


def labels(vocabulary: Vocabulary = POD_LABELS) -> st.SearchStrategy[dict[str, str]]:
    """Draw labels of a vocabulary: each key with one of its values, or left out. They shrink towards none.

    Args:
        vocabulary: Label key -> its values.
    """
    chosen = st.tuples(*(st.sampled_from([None, *vocabulary[key]]) for key in vocabulary))
    return chosen.map(
        lambda values: {
            key: value for key, value in zip(vocabulary, values, strict=True) if value is not None
        }
    )


def label_expressions(vocabulary: Vocabulary) -> st.SearchStrategy[Object]:
    """Draw requirements of set-based selectors: ``In``, ``NotIn``, ``Exists``, ``DoesNotExist``.

    Args:
        vocabulary: Label key -> its values.
    """

    def of_key(key: str) -> st.SearchStrategy[Object]:
        values = st.lists(st.sampled_from(vocabulary[key]), min_size=1, max_size=2, unique=True)
        listed = st.fixed_dictionaries(
            {"key": st.just(key), "operator": st.sampled_from(["In", "NotIn"]), "values": values}
        )
        present = st.fixed_dictionaries(
            {"key": st.just(key), "operator": st.sampled_from(["Exists", "DoesNotExist"])}
        )
        return st.one_of(listed, present)

    return st.sampled_from(sorted(vocabulary)).flatmap(of_key)


def label_selectors(vocabulary: Vocabulary = POD_LABELS) -> st.SearchStrategy[Object]:
    """Draw ``metav1.LabelSelector``s, sometimes the empty one, which matches everything.

    They may use a key, ``absent``, that is not in the vocabulary.

    Args:
        vocabulary: Label key -> its values.
    """
    matched = st.sampled_from([{key: value} for key, values in vocabulary.items() for value in values])
    expressions = st.lists(label_expressions({**vocabulary, "absent": ("x",)}), min_size=1, max_size=2)
    return st.one_of(
        st.fixed_dictionaries({"matchLabels": matched}),
        st.fixed_dictionaries({"matchExpressions": expressions}),
        st.fixed_dictionaries({"matchLabels": matched, "matchExpressions": expressions}),
        st.just({}),
    )
