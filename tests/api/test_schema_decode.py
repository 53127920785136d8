"""Reading objects as the server does: what is kept, what goes, what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kschedcore.api.schema import object_type, schema_for
from kschedcore.api.schema.decode import DecodeError, decode_object

POD = schema_for("v1", "Pod")
DEPLOYMENT = schema_for("apps/v1", "Deployment")


def read_pod(spec: dict[str, Any]) -> dict[str, Any]:
    assert POD is not None
    decoded: dict[str, Any] = decode_object(POD, {"metadata": {"name": "p"}, "spec": spec})[0]["spec"]
    return decoded


def test_a_zero_that_means_absent_is_dropped() -> None:
    spec = read_pod(
        {"containers": [], "hostNetwork": False, "hostname": "", "tolerations": [], "nodeSelector": {}}
    )
    assert spec == {"containers": None}


def test_a_zero_that_differs_from_absent_is_kept() -> None:
    spec = read_pod(
        {"containers": [], "terminationGracePeriodSeconds": 0, "automountServiceAccountToken": False}
    )
    assert spec["terminationGracePeriodSeconds"] == 0
    assert spec["automountServiceAccountToken"] is False


def test_null_means_absent() -> None:
    assert read_pod({"containers": [], "nodeSelector": None}) == {"containers": None}


def test_structs_that_are_always_written_are_added_when_the_body_lacks_them() -> None:
    assert DEPLOYMENT is not None
    decoded, _ = decode_object(DEPLOYMENT, {"spec": {"selector": {}}})
    assert decoded == {
        "metadata": {},
        "spec": {
            "selector": {},
            "strategy": {},
            "template": {"metadata": {}, "spec": {"containers": None}},
        },
        "status": {},
    }


def test_a_list_that_is_always_written_is_null_when_it_is_empty() -> None:
    kind = object_type("discovery.v1.EndpointSlice")
    decoded, _ = decode_object(kind, {"endpoints": [], "ports": [{"port": 80}]})
    assert decoded["endpoints"] is None
    assert decode_object(kind, {"endpoints": [{"addresses": ["10.0.0.1"]}]})[0]["endpoints"] == [
        {"addresses": ["10.0.0.1"], "conditions": {}}
    ]


def test_a_pointer_without_omitempty_is_null_when_absent() -> None:
    """``dataSource.apiGroup`` of a claim for volumes of the core group."""
    kind = object_type("core.v1.TypedLocalObjectReference")
    assert decode_object(kind, {"kind": "PersistentVolumeClaim", "name": "c"})[0]["apiGroup"] is None
    assert decode_object(kind, {"apiGroup": "", "kind": "K", "name": "c"})[0]["apiGroup"] == ""


def test_unknown_fields_are_dropped_and_named_with_their_place() -> None:
    assert POD is not None
    body = {
        "spec": {"containers": [{"name": "a"}, {"name": "b", "imgae": "x"}], "hostnetwork": True},
        "sepc": {},
    }
    decoded, unknown = decode_object(POD, body)
    assert unknown == ["spec.containers[1].imgae", "spec.hostnetwork", "sepc"]
    assert decoded["spec"]["containers"][1] == {"name": "b", "resources": {}}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"hostNetwork": "yes"},
         "json: cannot unmarshal string into Go struct field PodSpec.spec.hostNetwork of type bool"),
        ({"containers": {}},
         "json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container"),
        ({"containers": [{"name": 3}]},
         "json: cannot unmarshal number into Go struct field Container.spec.containers.name of type string"),
        ({"containers": [{"ports": [{"containerPort": "80"}]}]},
         "json: cannot unmarshal string into Go struct field "
         "ContainerPort.spec.containers.ports.containerPort of type int32"),
        ({"priority": 1 << 31},
         "json: cannot unmarshal number 2147483648 into Go struct field PodSpec.spec.priority of type int32"),
        ({"nodeSelector": {"a": True}},
         "json: cannot unmarshal bool into Go struct field PodSpec.spec.nodeSelector of type string"),
        ("x", "json: cannot unmarshal string into Go struct field Pod.spec of type v1.PodSpec"),
    ],
)  # fmt: skip
def test_wrong_types_are_refused_in_the_decoders_words(spec: Any, message: str) -> None:
    with pytest.raises(DecodeError) as caught:
        read_pod(spec)
    assert str(caught.value) == message


@pytest.mark.parametrize("quantity", ["1x", "abc", "", True, [], {}])
def test_what_is_no_quantity_is_refused(quantity: Any) -> None:
    with pytest.raises(DecodeError):
        read_pod({"containers": [{"resources": {"requests": {"cpu": quantity}}}]})


@pytest.mark.parametrize(
    ("written", "kept"),
    [("0.5", "500m"), (2, "2"), ("1024Mi", "1Gi"), ("1500m", "1500m"), (1.5, "1500m"), ("250m ", "250m")],
)
def test_quantities_become_canonical(written: Any, kept: str) -> None:
    spec = read_pod({"containers": [{"resources": {"limits": {"cpu": written}}}]})
    assert spec["containers"][0]["resources"]["limits"] == {"cpu": kept}


def values_of(type_name: str, depth: int = 2) -> st.SearchStrategy[Any]:
    """Objects of a type, as an author might write them."""
    scalars: dict[str, st.SearchStrategy[Any]] = {
        "string": st.text("ab", max_size=3),
        "bool": st.booleans(),
        "int32": st.integers(-5, 5),
        "int64": st.integers(-5, 5),
        "quantity": st.sampled_from(["0", "1", "500m", "1Gi"]),
        "int_or_string": st.sampled_from([0, 3, "25%"]),
    }
    fields: dict[str, st.SearchStrategy[Any]] = {}
    for key, field in object_type(type_name).fields.items():
        if field.type in scalars:
            fields[key] = scalars[field.type]
        elif field.type == "object" and depth:
            fields[key] = values_of(field.ref, depth - 1)
        elif field.type == "list" and depth and field.items and field.items.type == "object":
            fields[key] = st.lists(values_of(field.items.ref, depth - 1), max_size=2)
    return st.fixed_dictionaries({}, optional=fields)


@given(values_of("core.v1.Container"))
def test_reading_twice_changes_nothing_more(container: dict[str, Any]) -> None:
    kind = object_type("core.v1.Container")
    once, unknown = decode_object(kind, container)
    assert unknown == []
    assert decode_object(kind, once) == (once, [])
