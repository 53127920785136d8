"""Arbitrary request bodies are stored or refused with a status that Kubernetes uses, never an exception."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kschedcore.api.machinery.status import StatusError
from kschedcore.api.schema import Field, object_type, schema_for

from .samples import SAMPLES, sample
from .server import RESOURCES, Server, refusal

DEPTH = 7
TEXT = st.sampled_from(["", "a", "x", "RollingUpdate", "Always", "NodePort", "A b", "1", "None", "Indexed"])
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "string": TEXT,
    "bytes": st.sampled_from(["", "MQ=="]),
    "bool": st.booleans(),
    "int32": st.integers(-2, 90),
    "int64": st.integers(-2, 90),
    "float64": st.floats(-1, 1),
    "quantity": st.sampled_from(["0", "1", "-1", "500m", "1Gi", "1n"]),
    "int_or_string": st.sampled_from([0, -1, 3, "25%", "150%", "x"]),
    "time": st.just("2026-01-01T00:00:00Z"),
    "micro_time": st.just("2026-01-01T00:00:00.000000Z"),
    "any": st.just({}),
}


@cache
def values_of(name: str, depth: int) -> st.SearchStrategy[dict[str, Any]]:
    """Objects of a type of which any part may be missing, null or nonsense of the right shape."""
    fields = object_type(name).fields
    return st.fixed_dictionaries(
        {}, optional={key: st.none() | value_of(field, depth) for key, field in fields.items()}
    )


def value_of(field: Field, depth: int) -> st.SearchStrategy[Any]:
    if field.type in SCALARS:
        return SCALARS[field.type]
    if depth == 0:
        return st.none()
    if field.type == "object":
        return st.deferred(lambda: values_of(field.ref, depth - 1))
    assert field.items is not None
    items = value_of(field.items, depth - 1)
    if field.type == "list":
        return st.lists(items, max_size=2)
    return st.dictionaries(
        st.sampled_from(["a", "cpu", "memory", "storage", "A b", "e.x/y"]), items, max_size=2
    )


def merged(base: Any, noise: Any, keep: bool) -> Any:
    """``noise`` laid over a good object, so that it gets past the first check."""
    if not isinstance(base, dict) or not isinstance(noise, dict):
        return base if keep and noise is None else noise
    return {key: merged(base[key], noise[key], keep) if key in base and key in noise
            else base.get(key, noise.get(key)) for key in base | noise}  # fmt: skip


@pytest.mark.parametrize("plural", sorted(SAMPLES))
@given(data=st.data())
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
def test_arbitrary_objects_are_stored_or_refused(plural: str, data: st.DataObject) -> None:
    resource = RESOURCES[plural]
    schema = schema_for(resource.api_version, resource.kind)
    assert schema is not None
    server = Server()
    namespace = "ns" if resource.namespaced else ""
    server.create("limitranges", sample("limitranges", "bounds"), "ns")
    noise = data.draw(values_of(schema.name, DEPTH))
    noise.pop("apiVersion", None)
    noise.pop("kind", None)
    obj = merged(sample(plural), noise, data.draw(st.booleans()))
    refused = []
    try:
        stored = server.create(plural, obj, namespace)
    except StatusError as error:
        refused.append(error.code)
        stored = server.create(plural, sample(plural), namespace)
    changed = merged(copy.deepcopy(stored), {"spec": noise.get("spec", {})}, keep=True)
    try:
        server.update(plural, {**changed, "metadata": stored["metadata"]}, namespace)
    except StatusError as error:
        refused.append(error.code)
    assert set(refused) <= {400, 403, 409, 422}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value in an object."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, item in inner for found in places(item, (*path, key)))]


JSON = st.sampled_from(
    [None, True, 0, -1, 1.5, 1 << 40, "", "x", [], [None], {}, {"a": None}, [{"name": "c"}]]
)


@pytest.mark.parametrize("plural", sorted(SAMPLES))
@given(data=st.data())
@settings(max_examples=40)
def test_arbitrary_values_in_any_field_are_stored_or_refused(plural: str, data: st.DataObject) -> None:
    resource = RESOURCES[plural]
    namespace = "ns" if resource.namespaced else ""
    server = Server()
    obj = {"apiVersion": resource.api_version, "kind": resource.kind, **sample(plural)}
    *parents, last = data.draw(st.sampled_from([place for place in places(obj) if place]))
    place: Any = obj
    for key in parents:
        place = place[key]
    place[last] = data.draw(JSON)
    try:
        code = 201 if server.create(plural, obj, namespace) else 0
    except StatusError as refusal:
        code = refusal.code
    assert code in (201, 400, 403, 422)


def test_an_api_version_that_is_no_string_is_refused() -> None:
    server = Server()
    error = refusal(lambda: server.create("configmaps", {"apiVersion": 3, "kind": "ConfigMap"}, "ns"))
    assert (error.code, error.message) == (
        400,
        "couldn't get version/kind; json parse error: json: cannot unmarshal number into Go struct field "
        ".apiVersion of type string",
    )
