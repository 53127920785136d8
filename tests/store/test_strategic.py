"""Strategic merge patch on pods, against a slow reference that merges item by item."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kschedcore.api.schema import object_type
from kschedcore.apiserver.patches import PatchConflict, PatchError, apply_strategic_merge_patch

SPEC = object_type("core.v1.PodSpec")
POD = object_type("core.v1.Pod")
NAMES = "abcd"
names = st.lists(st.sampled_from(NAMES), unique=True, max_size=4)
images = st.sampled_from(["1", "2"])
directives = st.sampled_from(["", "", "delete"])


@st.composite
def containers(draw: st.DrawFn) -> list[dict[str, Any]]:
    return [{"name": name, "image": draw(images), "tty": True} for name in draw(names)]


@st.composite
def patches(draw: st.DrawFn) -> list[dict[str, Any]]:
    items = []
    for name in draw(names):
        directive = draw(directives)
        items.append(
            {"name": name, "$patch": directive} if directive else {"name": name, "image": draw(images)}
        )
    return items


def reference(original: list[dict[str, Any]], patch: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The meaning of the patch, whatever the order."""
    merged = {item["name"]: dict(item) for item in original}
    for item in patch:
        if item.get("$patch") == "delete":
            merged.pop(item["name"], None)
        else:
            merged[item["name"]] = {**merged.get(item["name"], {}), **item}
    return merged


@given(containers(), patches())
def test_keyed_lists_merge_as_the_reference_does(
    original: list[dict[str, Any]], patch: list[dict[str, Any]]
) -> None:
    result = apply_strategic_merge_patch({"containers": original}, {"containers": patch}, SPEC)["containers"]
    wanted = reference(original, patch)
    assert {item["name"]: item for item in result} == wanted
    found = [item["name"] for item in result]
    kept = [item["name"] for item in patch if "$patch" not in item]
    assert [name for name in found if name in kept] == kept, "patched items stand in the patch's order"
    only_original = [item["name"] for item in original if item["name"] in wanted and item["name"] not in kept]
    assert [name for name in found if name in only_original] == only_original


@given(containers(), patches())
def test_a_patch_takes_effect_once(original: list[dict[str, Any]], patch: list[dict[str, Any]]) -> None:
    once = apply_strategic_merge_patch({"containers": original}, {"containers": patch}, SPEC)
    assert apply_strategic_merge_patch(once, {"containers": patch}, SPEC) == once


@given(containers(), st.permutations(NAMES))
def test_an_order_is_the_order(original: list[dict[str, Any]], order: list[str]) -> None:
    patch = {"$setElementOrder/containers": [{"name": name} for name in order]}
    result = apply_strategic_merge_patch({"containers": original}, patch, SPEC)["containers"]
    present = {item["name"] for item in original}
    assert [item["name"] for item in result] == [name for name in order if name in present]


@pytest.mark.parametrize(
    ("original", "patch", "result"),
    [
        pytest.param(
            {"containers": [{"name": "a"}, {"name": "b"}]},
            {"containers": [{"name": "c"}]},
            {"containers": [{"name": "c"}, {"name": "a"}, {"name": "b"}]},
            id="new items come before those of the server",
        ),
        pytest.param(
            {"containers": [{"name": "a"}]},
            {"containers": [{"$patch": "replace"}, {"name": "z"}]},
            {"containers": [{"name": "z"}]},
            id="a list is replaced",
        ),
        pytest.param(
            {"tolerations": [{"key": "a"}]},
            {"tolerations": [{"key": "b"}]},
            {"tolerations": [{"key": "b"}]},
            id="a list without merge key is replaced",
        ),
        pytest.param(
            {"nodeSelector": {"a": "1", "b": "2"}},
            {"nodeSelector": {"$patch": "replace", "c": "3"}},
            {"nodeSelector": {"c": "3"}},
            id="a map is replaced",
        ),
        pytest.param(
            {"nodeSelector": {"a": "1"}},
            {"nodeSelector": {"$patch": "delete"}},
            {"nodeSelector": {}},
            id="a map is emptied",
        ),
        pytest.param(
            {"nodeSelector": {"a": "1", "b": "2"}},
            {"nodeSelector": {"a": None}},
            {"nodeSelector": {"b": "2"}},
            id="null removes",
        ),
        pytest.param(
            {"volumes": [{"name": "v", "configMap": {"name": "m"}}]},
            {"volumes": [{"name": "v", "emptyDir": {}, "$retainKeys": ["name", "emptyDir"]}]},
            {"volumes": [{"name": "v", "emptyDir": {}}]},
            id="retained keys drop the others",
        ),
        pytest.param(
            {},
            {"containers": [{"name": "a", "env": [{"name": "E"}, {"name": "F", "$patch": "delete"}]}]},
            {"containers": [{"name": "a", "env": [{"name": "E"}]}]},
            id="directives of what is new are dropped",
        ),
        pytest.param(
            {"restartPolicy": "Always"},
            {"restartPolicy": {"odd": 1}},
            {"restartPolicy": {"odd": 1}},
            id="another type replaces",
        ),
    ],
)
def test_directives(original: dict[str, Any], patch: dict[str, Any], result: dict[str, Any]) -> None:
    assert apply_strategic_merge_patch(original, patch, SPEC) == result


def test_lists_of_scalars_are_sets() -> None:
    pod = {"metadata": {"finalizers": ["a/x", "b/y"]}}
    added = apply_strategic_merge_patch(pod, {"metadata": {"finalizers": ["c/z", "a/x", "c/z"]}}, POD)
    assert sorted(added["metadata"]["finalizers"]) == ["a/x", "b/y", "c/z"]
    patch = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a/x", "d/d"]}}
    assert apply_strategic_merge_patch(pod, patch, POD) == {"metadata": {"finalizers": ["b/y"]}}


def test_an_item_without_its_key_is_a_conflict_in_gos_words() -> None:
    live = {"containers": [{"name": "a"}]}
    with pytest.raises(
        PatchConflict, match=r"^map: map\[image:x tty:true\] does not contain declared merge key"
    ):
        apply_strategic_merge_patch(live, {"containers": [{"tty": True, "image": "x"}]}, SPEC)


@pytest.mark.parametrize(
    "patch",
    [
        {"$patch": "odd"},
        {"containers": [{"name": "a", "$patch": "odd"}]},
        {"containers": [{"name": "a"}, 3]},
        {"$retainKeys": "name"},
        {"$retainKeys": ["a"], "restartPolicy": "Never"},
        {"$deleteFromPrimitiveList/finalizers": "x"},
        {
            "containers": [{"name": "a"}, {"name": "b"}],
            "$setElementOrder/containers": [{"name": "b"}, {"name": "a"}],
        },
        {"containers": [{"name": "a"}], "$setElementOrder/containers": [{"name": "b"}]},
        {"$setElementOrder/containers": True},
    ],
)
def test_patches_that_make_no_sense(patch: dict[str, Any]) -> None:
    with pytest.raises(PatchError):
        apply_strategic_merge_patch({"containers": [{"name": "a"}]}, patch, SPEC)
