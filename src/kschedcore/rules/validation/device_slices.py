"""Validation of ResourceSlice (``resource.k8s.io/v1``)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from kschedcore.api.machinery import field_errors as fe
from kschedcore.api.machinery.field_errors import FieldError
from kschedcore.api.machinery.types import Object
from kschedcore.api.quantity import Quantity
from kschedcore.rules.validation.common import IMMUTABLE
from kschedcore.rules.validation.device_claims import (
    DEVICE_EFFECTS,
    validate_binding_conditions,
    validate_each,
    validate_unique,
)
from kschedcore.rules.validation.device_names import (
    validate_dns_label,
    validate_driver_name,
    validate_label_key,
    validate_label_value,
    validate_pool_name,
    validate_qualified_name,
    validate_subdomain,
)
from kschedcore.rules.validation.internal_json import internal_json
from kschedcore.rules.validation.metadata import (
    dns_subdomain_name,
    validate_metadata,
    validate_metadata_update,
)
from kschedcore.rules.validation.placement import validate_node_selector

__all__ = ["CREATE", "UPDATE"]


_MAX_DEVICES: Final = 128
_MAX_ADVANCED_DEVICES: Final = 64
_MAX_COUNTER_SETS: Final = 8
_MAX_COUNTERS: Final = 32
_MAX_CONSUMED_SETS: Final = 2
_MAX_ATTRIBUTES_AND_CAPACITIES: Final = 32
_MAX_TAINTS: Final = 16
_MAX_VALUE: Final = 64
_MAX_POLICY_VALUES: Final = 10
_LISTS: Final = ("bools", "ints", "strings", "versions")
_VALUES: Final = ("int", "bool", "string", "version", *_LISTS)
_PLACES: Final = ("nodeName", "nodeSelector", "allNodes", "perDeviceNodeSelection")
_NUMBER, _PRE_RELEASE, _BUILD = r"(0|[1-9]\d*)", r"(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)", "[0-9a-zA-Z-]+"
_SEMVER: Final = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(-{_PRE_RELEASE}(\.{_PRE_RELEASE})*)?(\+{_BUILD}(\.{_BUILD})*)?",
    re.ASCII,
)
_UNSET_OR_TRUE: Final = "must be either unset or set to true"


def _slice(found: Object) -> Iterable[FieldError]:
    yield from validate_metadata(found["metadata"], dns_subdomain_name, namespaced=False)
    yield from _spec(found["spec"], {})


def _slice_update(found: Object, old: Object) -> Iterable[FieldError]:
    yield from validate_metadata_update(found["metadata"], old["metadata"])
    yield from _spec(found["spec"], old["spec"])


def _spec(spec: Object, was: Object) -> Iterator[FieldError]:
    yield from validate_driver_name(spec.get("driver", ""), "spec.driver")
    yield from _pool(spec["pool"])
    if was:
        for path, new, old in (
            ("spec.pool.name", spec["pool"].get("name", ""), was["pool"].get("name", "")),
            ("spec.driver", spec.get("driver", ""), was.get("driver", "")),
            ("spec.nodeName", spec.get("nodeName"), was.get("nodeName")),
        ):
            if new != old:
                yield fe.invalid(path, new, IMMUTABLE)
    yield from _place(spec)
    devices, counters = spec.get("devices"), spec.get("sharedCounters")
    if devices is not None and counters is not None:
        yield fe.invalid("spec", "", "only one of `sharedCounters` or `devices` is allowed")
    most = _MAX_ADVANCED_DEVICES if any(map(_is_advanced, devices or ())) else _MAX_DEVICES
    before = {each.get("name", ""): each for each in was.get("devices", ())}
    by_device = bool(spec.get("perDeviceNodeSelection"))

    def device(each: Object, path: str) -> Iterator[FieldError]:
        yield from _device(each, before.get(each.get("name", "")), by_device, path)

    yield from validate_unique(devices or [], most, device, _name, "spec.devices")
    yield from validate_unique(counters or [], _MAX_COUNTER_SETS, _counter_set, _name, "spec.sharedCounters")


def _name(item: Mapping[str, Any]) -> str:
    return str(item.get("name", ""))


def _is_advanced(device: Object) -> bool:
    lists = any(key in value for value in device.get("attributes", {}).values() for key in _LISTS)
    return bool(device.get("taints") or device.get("consumesCounters") or lists)


def _pool(pool: Object) -> Iterator[FieldError]:
    yield from validate_pool_name(pool.get("name", ""), "spec.pool.name")
    count, generation = pool.get("resourceSliceCount", 0), pool.get("generation", 0)
    if count <= 0:
        yield fe.invalid("spec.pool.resourceSliceCount", count, "must be greater than zero")
    if generation < 0:
        yield fe.invalid("spec.pool.generation", generation, "must be greater than or equal to zero")


def _place(spec: Object) -> Iterator[FieldError]:
    """Validate the nodes of the devices: exactly one of four fields."""
    chosen = [key for key in _PLACES if spec.get(key)]
    if "nodeName" in spec:
        if spec["nodeName"]:
            yield from validate_subdomain(spec["nodeName"], "spec.nodeName")
        else:
            yield fe.invalid("spec.nodeName", "", "must be either unset or set to a non-empty string")
    if "nodeSelector" in spec:
        yield from validate_node_selector(spec["nodeSelector"], "spec.nodeSelector")
        terms = spec["nodeSelector"].get("nodeSelectorTerms") or []
        if len(terms) != 1:
            struct = fe.go_struct("[]core.NodeSelectorTerm", terms)
            yield fe.invalid(
                "spec.nodeSelector.nodeSelectorTerms", struct, "must have exactly one node selector term"
            )
    for key in ("allNodes", "perDeviceNodeSelection"):
        if spec.get(key) is False:
            yield fe.invalid(f"spec.{key}", False, _UNSET_OR_TRUE)
    detail = f"exactly one of {', '.join(f'`{key}`' for key in _PLACES)} is required"
    if not chosen:
        yield fe.required("spec", detail)
    elif len(chosen) > 1:
        named = ", ".join(f"`{key}`" for key in chosen)
        yield fe.invalid("spec", f"{{{named}}}", f"{detail}, but multiple fields are set")


def _device(device: Object, was: Object | None, by_device: bool, path: str) -> Iterator[FieldError]:
    yield from validate_dns_label(_name(device), f"{path}.name")
    attributes, capacity = device.get("attributes", {}), device.get("capacity", {})
    count = len(attributes) + len(capacity)
    if count > _MAX_ATTRIBUTES_AND_CAPACITIES:
        detail = (
            f"the total number of attributes and capacities must not exceed {_MAX_ATTRIBUTES_AND_CAPACITIES}"
        )
        yield fe.invalid(path, count, detail)
    for name, attribute in attributes.items():
        yield from validate_qualified_name(name, f"{path}.attributes")
        yield from _attribute(attribute, f"{path}.attributes[{name}]")
    if was is None or was.get("capacity") != device.get("capacity"):
        shared = bool(device.get("allowMultipleAllocations"))
        for name, found in capacity.items():
            yield from validate_qualified_name(name, f"{path}.capacity")
            yield from _capacity(found, shared, f"{path}.capacity[{name}]")
    if was is None or was.get("taints") != device.get("taints"):
        yield from validate_each(device.get("taints", []), _MAX_TAINTS, _taint, f"{path}.taints")
    consumed = device.get("consumesCounters", [])
    yield from validate_unique(
        consumed, _MAX_CONSUMED_SETS, _consumption, lambda each: str(each.get("counterSet", "")),
        f"{path}.consumesCounters",
    )  # fmt: skip
    yield from _device_place(device, by_device, path)
    yield from validate_binding_conditions(device, path)


def _device_place(device: Object, by_device: bool, path: str) -> Iterator[FieldError]:
    keys = ("nodeName", "nodeSelector", "allNodes")
    if not by_device:
        if any(key in device for key in keys):
            detail = (
                "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set "
                "to true in the ResourceSlice spec"
            )
            yield fe.invalid(path, None, detail)
        return
    if "nodeName" in device:
        if device["nodeName"]:
            yield from validate_subdomain(device["nodeName"], f"{path}.nodeName")
        else:
            yield fe.invalid(f"{path}.nodeName", "", "must not be empty")
    if "nodeSelector" in device:
        yield from validate_node_selector(device["nodeSelector"], f"{path}.nodeSelector")
    if device.get("allNodes") is False:
        yield fe.invalid(f"{path}.allNodes", False, _UNSET_OR_TRUE)
    chosen = [key for key in keys if device.get(key)]
    detail = (
        "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is "
        "set to true in the ResourceSlice spec"
    )
    if not chosen:
        yield fe.required(path, detail)
    elif len(chosen) > 1:
        named = ", ".join(f"`{key}`" for key in chosen)
        yield fe.invalid(path, f"{{{named}}}", detail)


def _attribute(attribute: Object, path: str) -> Iterator[FieldError]:
    if "string" in attribute:
        yield from _text(attribute["string"], f"{path}.string")
    if "version" in attribute:
        yield from _version(attribute["version"], f"{path}.version")
    for key in _LISTS:
        if attribute.get(key) == []:
            yield fe.invalid(f"{path}.{key}", [], "must not be empty if specified")
    for index, text in enumerate(attribute.get("strings", ())):
        yield from _text(text, f"{path}.strings[{index}]")
    for index, text in enumerate(attribute.get("versions", ())):
        yield from _version(text, f"{path}.versions[{index}]")
    chosen = [key for key in _VALUES if key in attribute]
    if not chosen:
        yield fe.invalid(path, "", "exactly one value must be specified")
    elif len(chosen) > 1:
        value = internal_json("resource.v1.DeviceAttribute", attribute)
        yield fe.invalid(path, value, "exactly one value must be specified")


def _text(text: str, path: str) -> Iterator[FieldError]:
    if len(text.encode()) > _MAX_VALUE:
        yield fe.too_long(path, _MAX_VALUE)


def _version(text: str, path: str) -> Iterator[FieldError]:
    if not _SEMVER.fullmatch(text):
        yield fe.invalid(path, text, "must be a string compatible with semver.org spec 2.0.0")
    yield from _text(text, path)


def _taint(taint: Object, path: str) -> Iterator[FieldError]:
    yield from validate_label_key(taint.get("key", ""), f"{path}.key")
    if taint.get("value"):
        yield from validate_label_value(taint["value"], f"{path}.value")
    effect = taint.get("effect", "")
    if not effect:
        yield fe.required(f"{path}.effect")
    elif effect not in DEVICE_EFFECTS:
        yield fe.not_supported(f"{path}.effect", effect, DEVICE_EFFECTS)


def _counter_set(found: Object, path: str) -> Iterator[FieldError]:
    yield from _counters(found, "name", _MAX_COUNTERS, path)


def _consumption(found: Object, path: str) -> Iterator[FieldError]:
    yield from _counters(found, "counterSet", _MAX_COUNTERS, path)


def _counters(found: Object, name: str, most: int, path: str) -> Iterator[FieldError]:
    if not found.get(name):
        yield fe.required(f"{path}.{name}")
    else:
        yield from validate_dns_label(found[name], f"{path}.{name}")
    counters = found.get("counters") or {}
    if not counters:
        yield fe.required(f"{path}.counters")
    elif len(counters) > most:
        yield fe.too_many(f"{path}.counters", len(counters), most)
    else:
        for key in counters:
            yield from validate_dns_label(key, f"{path}.counters")


def _capacity(found: Object, shared: bool, path: str) -> Iterator[FieldError]:
    policy = found.get("requestPolicy")
    if policy is None:
        return
    path = f"{path}.requestPolicy"
    if not shared:
        yield fe.forbidden(path, "allowMultipleAllocations must be true")
    elif policy.get("validValues") and "validRange" in policy:
        detail = 'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time'
        yield fe.forbidden(path, detail)
    else:
        yield from _policy(policy, Quantity.parse(found["value"]), path)


def _policy(policy: Object, capacity: Quantity, path: str) -> Iterator[FieldError]:
    """Validate the request policy of a shared capacity (KEP-5075)."""
    kind = next((key for key in ("validValues", "validRange") if policy.get(key)), None)
    if kind is None:
        return
    if "default" not in policy:
        yield fe.required(f"{path}.default", f"required when {kind} is defined")
        return
    default = Quantity.parse(policy["default"])
    if kind == "validValues":
        values = [Quantity.parse(text) for text in policy["validValues"]]
        yield from _valid_values(values, default, capacity, f"{path}.validValues")
    else:
        bounds = {key: Quantity.parse(text) for key, text in policy["validRange"].items()}
        yield from _valid_range(bounds, default, capacity, f"{path}.validRange")


def _valid_values(
    values: list[Quantity], default: Quantity, capacity: Quantity, path: str
) -> Iterator[FieldError]:
    for index in range(1, len(values)):
        if values[index - 1] > values[index]:
            yield fe.invalid(
                f"{path}[{index}]", str(values[index]), "values must be sorted in ascending order"
            )

    def option(value: Quantity, where: str) -> Iterator[FieldError]:
        if value > capacity:
            yield fe.invalid(where, str(value), f"option is larger than capacity value: {capacity}")

    yield from validate_unique(values, _MAX_POLICY_VALUES, option, lambda each: str(each.value()), path)
    if default not in values:
        yield fe.invalid(path, str(default), "default value is not valid according to the requestPolicy")


def _valid_range(
    bounds: dict[str, Quantity], default: Quantity, capacity: Quantity, path: str
) -> Iterator[FieldError]:
    least, most, step = bounds.get("min"), bounds.get("max"), bounds.get("step")
    if least is None:
        yield fe.required(f"{path}.min", "required when validRange is defined")
        return
    if least > capacity:
        yield fe.invalid(f"{path}.min", str(least), f"min is larger than capacity value: {capacity}")
    if default < least:
        yield fe.invalid(f"{path}.default", str(default), f"default is less than min: {least}")
    if most is not None:
        if least > most:
            yield fe.invalid(f"{path}.max", str(least), f"min is larger than max: {most}")
        if most > capacity:
            yield fe.invalid(f"{path}.max", str(most), f"max is larger than capacity value: {capacity}")
        if default > most:
            yield fe.invalid(f"{path}.default", str(default), f"default is more than max: {most}")
    if step is not None:
        yield from _step(step, least, [default, *([] if most is None else [most])], capacity, f"{path}.step")


def _step(
    step: Quantity, least: Quantity, values: list[Quantity], capacity: Quantity, path: str
) -> Iterator[FieldError]:
    if step.nanos <= 0:
        yield fe.invalid(path, str(step), "must be greater than zero")
        return
    if least + step > capacity:
        detail = f"one step {least + step} is larger than capacity value: {capacity}"
        yield fe.invalid(path, str(step), detail)
    for value in values:
        if (value.value() - least.value()) % step.value():
            detail = f"value is not a multiple of a given step ({step}) from ({least})"
            yield fe.invalid(path, str(value), detail)


CREATE = {"ResourceSlice": _slice}
UPDATE = {"ResourceSlice": _slice_update}
