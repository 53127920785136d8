"""Taints and tolerations, and the arguments of ``kubectl taint``."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kschedcore.api.taints import (
    EFFECTS,
    Taint,
    Toleration,
    find_untolerated,
    parse_taint,
    parse_taints,
    tolerates,
)

keys = st.sampled_from(["a", "b"])
effects = st.sampled_from(EFFECTS)
taints = st.builds(Taint, key=keys, effect=effects, value=st.sampled_from([None, "", "x", "y"]))
tolerations = st.builds(
    Toleration,
    key=st.sampled_from([None, "", "a", "b"]),
    operator=st.sampled_from([None, "", "Equal", "Exists", "Other"]),
    value=st.sampled_from([None, "", "x", "y"]),
    effect=st.sampled_from([None, "", *EFFECTS]),
)


def tolerated(toleration: Toleration, taint: Taint) -> bool:
    """The sentence of the documentation: the keys are the same, the effects are, and so are the values."""
    same_key = not toleration.key or toleration.key == taint.key
    same_effect = not toleration.effect or toleration.effect == taint.effect
    same_value = {
        "Exists": True,
        "Equal": (toleration.value or "") == (taint.value or ""),
    }.get(toleration.operator or "Equal", False)
    return same_key and same_effect and same_value


@given(tolerations, taints)
def test_a_toleration_tolerates_what_it_describes(toleration: Toleration, taint: Taint) -> None:
    assert tolerates(toleration, taint) == tolerated(toleration, taint)


@given(st.lists(taints, max_size=4), st.lists(tolerations, max_size=3), st.sets(effects))
def test_the_first_untolerated_taint_is_found(
    found: list[Taint], against: list[Toleration], wanted: set[str]
) -> None:
    open_ones = [t for t in found if t.effect in wanted and not any(tolerated(each, t) for each in against)]
    assert find_untolerated(found, against, wanted) == (open_ones[0] if open_ones else None)


def test_prefer_no_schedule_keeps_no_pod_off_a_node() -> None:
    soft = Taint(key="a", effect="PreferNoSchedule")
    hard = Taint(key="a", effect="NoExecute")
    assert find_untolerated([soft], []) is None
    assert find_untolerated([soft, hard], []) is hard


@pytest.mark.parametrize(
    ("text", "taint", "remove"),
    [
        ("key1=value1:NoSchedule", Taint(key="key1", value="value1", effect="NoSchedule"), False),
        ("key:NoExecute", Taint(key="key", effect="NoExecute"), False),
        ("key=:NoExecute", Taint(key="key", effect="NoExecute"), False),
        ("example.com/k=v:PreferNoSchedule", Taint(key="example.com/k", value="v", effect="PreferNoSchedule"), False),
        ("key1=value1:NoSchedule-", Taint(key="key1", effect="NoSchedule"), True),
        ("key:NoSchedule-", Taint(key="key", effect="NoSchedule"), True),
        ("key-", Taint(key="key", effect=""), True),
    ],
)  # fmt: skip
def test_arguments_of_kubectl_taint(text: str, taint: Taint, remove: bool) -> None:
    assert parse_taint(text) == (taint, remove)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("key", "invalid taint spec: key"),
        ("key=value", "invalid taint spec: key=value, name part must consist of"),
        ("a=b=c:NoSchedule", "invalid taint spec: a=b=c:NoSchedule"),
        ("a:b:c", "invalid taint spec: a:b:c"),
        ("a:Never", "invalid taint effect: Never, unsupported taint effect"),
        ("a:", "invalid taint effect: , unsupported taint effect"),
        (":NoSchedule", "invalid taint spec: :NoSchedule, name part must be non-empty; name part must consist of"),
        ("", "invalid taint spec: , name part must be non-empty; name part must consist of"),
        ("a=@:NoSchedule", "invalid taint spec: a=@:NoSchedule, a valid label must be an empty string or consist of"),
        ("-a:NoSchedule", "invalid taint spec: -a:NoSchedule, name part must consist of"),
    ],
)  # fmt: skip
def test_arguments_that_kubectl_refuses(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        parse_taint(text)
    assert str(caught.value).startswith(message)


def test_several_arguments_add_and_remove() -> None:
    add, remove = parse_taints(["a=1:NoSchedule", "b-", "a=2:NoExecute"])
    assert [(taint.key, taint.value, taint.effect) for taint in add] == [
        ("a", "1", "NoSchedule"),
        ("a", "2", "NoExecute"),
    ]
    assert [taint.key for taint in remove] == ["b"]


def test_one_taint_cannot_be_added_twice() -> None:
    with pytest.raises(ValueError, match=r"^duplicated taints with the same key and effect: a=2:NoSchedule$"):
        parse_taints(["a=1:NoSchedule", "a=2:NoSchedule"])
