"""Server-side apply: guarantees for a field manager, whatever other managers apply."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kschedcore.api.machinery.frozen import FrozenList, freeze
from kschedcore.api.machinery.status import StatusError
from kschedcore.api.schema import object_type
from kschedcore.api.schema.decode import decode_object
from kschedcore.apiserver.apply.fieldmanager import NO_MANAGERS, FieldManager, manager_name
from kschedcore.apiserver.apply.paths import display, from_fields_v1, to_fields_v1
from kschedcore.apiserver.apply.typed import compare, field_set, merge, remove, root

DEPLOYMENT = object_type("apps.v1.Deployment")
EMPTY = freeze({**decode_object(DEPLOYMENT, {})[0], "metadata": {"name": "web"}})
FIELDS = FieldManager(DEPLOYMENT, "apps/v1", ignored=("status",))
ROOT = root(DEPLOYMENT)
elements = st.sampled_from(["f:a", "f:b", 'k:{"name":"x"}', 'v:"y"'])
field_sets = st.frozensets(st.lists(elements, min_size=1, max_size=4).map(tuple), max_size=8)
Object = dict[str, Any]


@st.composite
def configurations(draw: st.DrawFn, containers: str = "ab", labels: str = "xy") -> Object:
    """An apply configuration of a Deployment, restricted to the given containers and labels."""
    config: Object = {"metadata": {"name": "web"}}
    found = draw(st.dictionaries(st.sampled_from(labels), st.sampled_from("12")))
    if found:
        config["metadata"]["labels"] = found
    items = []
    for name in draw(st.lists(st.sampled_from(containers), unique=True)):
        item: Object = {"name": name, "image": draw(st.sampled_from("12"))}
        variables = draw(st.lists(st.sampled_from("EF"), unique=True))
        if variables:
            item["env"] = [{"name": variable, "value": "1"} for variable in variables]
        items.append(item)
    if items:
        config["spec"] = {"template": {"spec": {"containers": items}}}
    return config


def recorded(obj: Object) -> FrozenList:
    found: FrozenList = freeze(obj["metadata"].get("managedFields", []))
    return found


def bare(obj: Object) -> Object:
    metadata = {key: value for key, value in obj["metadata"].items() if key != "managedFields"}
    return {**obj, "metadata": metadata}


def managed(obj: Object, entries: FrozenList) -> Object:
    return {**obj, "metadata": {**obj["metadata"], "managedFields": entries}} if entries else obj


def applied(live: Object | None, config: Object, name: str, *, force: bool = False, now: str = "t") -> Object:
    before, entries = (None, NO_MANAGERS) if live is None else (bare(live), recorded(live))
    return managed(*FIELDS.apply(before, entries, config, EMPTY, name, now, force=force))


def updated(live: Object | None, new: Object, name: str, now: str = "now") -> Object:
    """The object after an update to ``new`` by ``name``; ``new`` may contain managedFields."""
    if live is None:
        return managed(new, FIELDS.created(new, EMPTY, name, now))
    given = FIELDS.sent(new["metadata"].get("managedFields"))
    entries = recorded(live) if given is None else given
    return managed(bare(new), FIELDS.updated(bare(live), bare(new), entries, name, now))


def content(obj: Object) -> Object:
    """An object without who manages it, with keyed lists in the order of their keys."""
    metadata = {key: value for key, value in obj["metadata"].items() if key != "managedFields"}
    containers = obj.get("spec", {}).get("template", {}).get("spec", {}).get("containers") or []
    ordered = [
        {**item, "env": sorted(item["env"], key=lambda each: each["name"])} if item.get("env") else item
        for item in sorted(containers, key=lambda each: each["name"])
    ]
    return {"metadata": metadata, "containers": ordered}


def owners(obj: Object) -> dict[str, Any]:
    return {entry["manager"]: entry["fieldsV1"] for entry in obj["metadata"].get("managedFields", ())}


@given(field_sets)
def test_a_set_survives_being_stored(fields: frozenset[tuple[str, ...]]) -> None:
    assert from_fields_v1(to_fields_v1(fields)) == fields


@given(configurations(), configurations())
def test_a_comparison_classifies_every_field(old: Object, new: Object) -> None:
    difference = compare(old, new, ROOT)
    before, after = field_set(old, ROOT), field_set(new, ROOT)
    assert after - before <= difference.added
    assert before - after <= difference.removed
    assert not difference.modified - (before & after)
    assert compare(old, old, ROOT).same


@given(configurations(), configurations())
def test_a_merge_holds_everything_of_both(live: Object, config: Object) -> None:
    merged = merge(live, config, ROOT)
    assert field_set(merged, ROOT) == field_set(live, ROOT) | field_set(config, ROOT)
    assert merge(merged, config, ROOT) == merged


@given(configurations(), st.data())
def test_removed_fields_are_deleted_and_others_kept(obj: Object, data: st.DataObject) -> None:
    fields = field_set(obj, ROOT)
    gone = data.draw(st.frozensets(st.sampled_from(sorted(fields)))) if fields else frozenset()
    # Keys make an item what it is: they go with it or not at all.
    gone = frozenset(path for path in gone if path[-1] != "f:name")
    left = field_set(remove(obj, gone, ROOT) or {}, ROOT)
    assert not left & gone
    assert {path for path in fields if not any(path[: len(g)] == g for g in gone)} <= left


@given(configurations())
def test_applying_again_changes_nothing(config: Object) -> None:
    once = applied(None, config, "alice", now="first")
    assert applied(once, config, "alice", now="second") == once


@given(configurations("ab", "x"), configurations("cd", "y"))
def test_disjoint_managers_may_come_in_any_order(one: Object, other: Object) -> None:
    first = applied(applied(None, one, "alice"), other, "bob")
    second = applied(applied(None, other, "bob"), one, "alice")
    assert content(first) == content(second)
    assert owners(first) == owners(second)


@given(configurations(), configurations())
def test_fields_that_a_manager_drops_are_removed_unless_shared(before: Object, after: Object) -> None:
    alone = applied(applied(None, before, "alice"), after, "alice")
    assert content(alone) == content(applied(None, after, "alice"))
    shared = applied(applied(applied(None, before, "alice"), before, "bob"), after, "alice", force=True)
    assert field_set(before, ROOT) <= field_set(shared, ROOT)


@given(configurations(), configurations())
def test_a_conflict_is_refused_until_forced_and_then_the_field_changes_hands(
    one: Object, other: Object
) -> None:
    live = applied(None, one, "alice")
    changed = compare(live, merge(live, other, ROOT), ROOT).modified
    if not changed:
        applied(live, other, "bob")
        return
    with pytest.raises(StatusError) as refused:
        applied(live, other, "bob")
    assert refused.value.code == 409
    assert refused.value.details is not None
    causes = refused.value.details["causes"]
    assert sorted(cause["field"] for cause in causes) == sorted(display(path) for path in changed)
    assert all(cause["message"] == 'conflict with "alice"' for cause in causes)
    forced = applied(live, other, "bob", force=True)
    assert not from_fields_v1(owners(forced).get("alice", {})) & changed
    assert changed <= from_fields_v1(owners(forced)["bob"])


def test_an_update_takes_what_it_changes() -> None:
    live = applied(None, {"metadata": {"name": "web", "labels": {"a": "1", "b": "1"}}}, "alice")
    new = {**live, "metadata": {**live["metadata"], "labels": {"a": "2", "b": "1", "c": "1"}}}
    new = updated(live, new, "editor")
    labels = {manager: tree["f:metadata"]["f:labels"] for manager, tree in owners(new).items()}
    assert labels == {"alice": {"f:b": {}}, "editor": {"f:a": {}, "f:c": {}}}
    with pytest.raises(StatusError, match=r'conflict with "editor" using apps/v1: \.metadata\.labels\.a'):
        applied(new, {"metadata": {"name": "web", "labels": {"a": "1"}}}, "alice")


def test_fields_without_a_manager_belong_to_before_first_apply() -> None:
    live = {**EMPTY, "metadata": {"name": "web", "labels": {"a": "1"}}}
    after = applied(live, {"metadata": {"name": "web", "labels": {"b": "1"}}}, "alice")
    assert set(owners(after)) == {"before-first-apply", "alice"}
    assert after["metadata"]["labels"] == {"a": "1", "b": "1"}


def test_only_ten_updaters_are_kept_apart() -> None:
    live: Object | None = None
    for number in range(14):
        labels = {f"l{index}": "1" for index in range(number + 1)}
        new = {**EMPTY, "metadata": {"name": "web", "labels": labels}}
        live = updated(live, new, f"manager-{number:02}", f"2026-01-01T00:00:{number:02}Z")
    assert live is not None
    assert len(owners(live)) == 10
    assert owners(live)["ancient-changes"]["f:metadata"]["f:labels"].keys() >= {"f:l0", "f:l1"}


def test_an_empty_entry_removes_all_managers() -> None:
    live = applied(None, {"metadata": {"name": "web", "labels": {"a": "1"}}}, "alice")
    new = {**live, "metadata": {"name": "web", "labels": {"a": "1"}, "managedFields": [{}]}}
    assert owners(updated(live, new, "editor")) == {}


@pytest.mark.parametrize(
    ("given_name", "agent", "name"),
    [("me", "kubectl/1", "me"), ("", "kubectl/v1.34 (linux)", "kubectl"), ("", "a\tb", "ab"), ("", "", "")],
)
def test_manager_names(given_name: str, agent: str, name: str) -> None:
    assert manager_name(given_name, agent) == name


def test_paths_as_messages_show_them() -> None:
    path = ("f:spec", 'k:{"containerPort":80,"protocol":"TCP"}', 'v:"x"', "i:0")
    assert display(path) == '.spec[containerPort=80,protocol="TCP"][="x"][0]'
