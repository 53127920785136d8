"""Validation of ResourceClaim, ResourceClaimTemplate and DeviceClass (``resource.k8s.io/v1``, KEP-4381)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

import msgspec

from kschedcore.api.machinery import field_errors as fe
from kschedcore.api.machinery.field_errors import FieldError
from kschedcore.api.machinery.remembered import remembered
from kschedcore.api.machinery.types import Object
from kschedcore.api.resource_names import is_extended
from kschedcore.rules.validation.common import IMMUTABLE
from kschedcore.rules.validation.device_names import (
    validate_dns_label,
    validate_driver_name,
    validate_fully_qualified_name,
    validate_label_key,
    validate_label_value,
    validate_subdomain,
)
from kschedcore.rules.validation.internal_json import internal_json
from kschedcore.rules.validation.metadata import (
    dns_subdomain_name,
    validate_metadata,
    validate_metadata_update,
)

__all__ = [
    "ADMIN_LABEL", "CREATE", "DEVICE_EFFECTS", "UPDATE", "admin_access", "request_names",
    "validate_binding_conditions", "validate_configuration", "validate_each", "validate_request_reference",
    "validate_unique",
]  # fmt: skip

T = TypeVar("T")

DEVICE_EFFECTS: Final = ("NoExecute", "NoSchedule", "None")
_MAX_ENTRIES: Final = 32
_MAX_SUBREQUESTS: Final = 8
_MAX_CONDITIONS: Final = 4
_MAX_PARAMETERS: Final = 10 * 1024
_ONE_KIND_OF_REQUEST: Final = "exactly one of `exactly` or `firstAvailable` is required"
_NO_SUCH_REQUEST: Final = (
    "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"
)
ADMIN_LABEL: Final = "resource.kubernetes.io/admin-access"
_TEMPLATE_METADATA: Final = frozenset({"labels", "annotations"})


def validate_each(
    items: list[T], most: int, rule: Callable[[T, str], Iterable[FieldError]], path: str
) -> Iterator[FieldError]:
    """Validate a list of at most ``most`` items by a rule; the items of a longer list are not validated."""
    if len(items) > most:
        yield fe.too_many(path, len(items), most)
        return
    for index, item in enumerate(items):
        yield from rule(item, f"{path}[{index}]")


def validate_unique(
    items: list[T],
    most: int,
    rule: Callable[[T, str], Iterable[FieldError]],
    key: Callable[[T], str],
    path: str,
) -> Iterator[FieldError]:
    """Validate as :func:`validate_each`, with unique keys."""
    yield from validate_each(items, most, rule, path)
    if len(items) <= most:
        seen: set[str] = set()
        for index, item in enumerate(items):
            if key(item) in seen:
                yield fe.duplicate(f"{path}[{index}]", key(item))
            seen.add(key(item))


def _name(item: Mapping[str, Any]) -> str:
    return str(item.get("name", ""))


def admin_access(obj: Object, namespace: Mapping[str, Any] | None) -> Iterator[FieldError]:
    """Validate admin access, which needs a label of the namespace (KEP-5018).

    Args:
        obj: A new ResourceClaim or ResourceClaimTemplate.
        namespace: The object's namespace; None if it does not exist.
    """
    labels = {} if namespace is None else namespace["metadata"].get("labels", {})
    if labels.get(ADMIN_LABEL) == "true":
        return
    spec = obj["spec"] if obj["kind"] == "ResourceClaim" else obj["spec"]["spec"]
    for index, request in enumerate(spec["devices"].get("requests") or ()):
        if request.get("exactly", {}).get("adminAccess"):
            detail = f"admin access to devices requires the `{ADMIN_LABEL}: true` label on the containing namespace"
            yield fe.forbidden(f"spec.devices.requests[{index}].adminAccess", detail)


# -- claims --------------------------------------------------------------------------------------------------


def _claim(claim: Object) -> Iterable[FieldError]:
    yield from validate_metadata(claim["metadata"], dns_subdomain_name, namespaced=True)
    yield from _claim_spec(claim["spec"], "spec")


def _claim_update(claim: Object, old: Object) -> Iterable[FieldError]:
    yield from validate_metadata_update(claim["metadata"], old["metadata"])
    if claim["spec"] != old["spec"]:
        value = internal_json("resource.v1.ResourceClaimSpec", claim["spec"])
        yield fe.invalid("spec", value, IMMUTABLE)


def _template(template: Object) -> Iterable[FieldError]:
    yield from validate_metadata(template["metadata"], dns_subdomain_name, namespaced=True)
    yield from _template_spec(template["spec"])


def _template_update(template: Object, old: Object) -> Iterable[FieldError]:
    yield from validate_metadata_update(template["metadata"], old["metadata"])
    if template["spec"] != old["spec"]:
        value = internal_json("resource.v1.ResourceClaimTemplateSpec", template["spec"])
        yield fe.invalid("spec", value, IMMUTABLE)
    yield from _template_spec(template["spec"])


def _template_spec(spec: Object) -> Iterator[FieldError]:
    for key in spec["metadata"]:
        if key not in _TEMPLATE_METADATA:
            yield fe.forbidden(f"spec.metadata.{key}", "cannot be set")
    yield from _claim_spec(spec["spec"], "spec.spec")


def _claim_spec(spec: Object, path: str) -> Iterator[FieldError]:
    devices, path = spec["devices"], f"{path}.devices"
    known = request_names(devices)
    requests = devices.get("requests") or []
    yield from validate_unique(requests, _MAX_ENTRIES, _request, _name, f"{path}.requests")
    constraints = devices.get("constraints", [])
    yield from validate_each(
        constraints, _MAX_ENTRIES, lambda each, at: _constraint(each, known, at), f"{path}.constraints"
    )
    config = devices.get("config", [])
    yield from validate_each(
        config, _MAX_ENTRIES, lambda each, at: _claim_config(each, known, at), f"{path}.config"
    )


def request_names(devices: Object) -> frozenset[str]:
    """Return the names of requests, and of their subrequests after a slash."""
    names: set[str] = set()
    for request in devices.get("requests") or ():
        name = _name(request)
        names |= {name, *(f"{name}/{_name(each)}" for each in request.get("firstAvailable", ()))}
    return frozenset(names)


def _request(request: Object, path: str) -> Iterator[FieldError]:
    yield from validate_dns_label(_name(request), f"{path}.name")
    exactly, alternatives = request.get("exactly"), request.get("firstAvailable", [])
    if exactly is None and not alternatives:
        yield fe.required(path, _ONE_KIND_OF_REQUEST)
    elif exactly is not None and alternatives:
        yield fe.invalid(path, None, f"{_ONE_KIND_OF_REQUEST}, but multiple fields are set")
    elif exactly is not None:
        yield from _devices(exactly, f"{path}.exactly")
    else:
        where = f"{path}.firstAvailable"
        yield from validate_unique(alternatives, _MAX_SUBREQUESTS, _subrequest, _name, where)


def _subrequest(request: Object, path: str) -> Iterator[FieldError]:
    yield from validate_dns_label(_name(request), f"{path}.name")
    yield from _devices(request, path)


def _devices(request: Object, path: str) -> Iterator[FieldError]:
    """Validate the common fields of an exact request and a subrequest."""
    yield from validate_subdomain(request.get("deviceClassName", ""), f"{path}.deviceClassName")
    yield from validate_each(request.get("selectors", []), _MAX_ENTRIES, _selector, f"{path}.selectors")
    mode, count = request["allocationMode"], request.get("count", 0)
    if mode == "All":
        if count:
            yield fe.invalid(f"{path}.count", count, "must not be specified when allocationMode is 'All'")
    elif mode == "ExactCount":
        if count <= 0:
            yield fe.invalid(f"{path}.count", count, "must be greater than zero")
    else:
        yield fe.not_supported(f"{path}.allocationMode", mode, ("All", "ExactCount"))
    for index, toleration in enumerate(request.get("tolerations", ())):
        yield from _toleration(toleration, f"{path}.tolerations[{index}]")


def _selector(selector: Object, path: str) -> Iterable[FieldError]:
    if "cel" not in selector:
        return [fe.required(f"{path}.cel")]
    expression = selector["cel"].get("expression", "")
    return [each.below(path) for each in _expression(expression)]


@remembered
def _expression(expression: str) -> tuple[FieldError, ...]:
    # Imported on first use: most programs have no CEL selectors, and the import is slow.
    from kschedcore.cel.devices import MAX_COST, MAX_LENGTH, compile_selector
    from kschedcore.cel.errors import CompileError

    if len(expression.encode()) > MAX_LENGTH:
        return (fe.too_long("cel.expression", MAX_LENGTH),)
    try:
        selector = compile_selector(expression)
    except CompileError as error:
        return (fe.invalid("cel.expression", expression, str(error)),)
    if selector.max_cost > MAX_COST:
        return (fe.forbidden("cel.expression", "too complex, exceeds cost limit"),)
    return ()


def _toleration(toleration: Object, path: str) -> Iterator[FieldError]:
    if toleration.get("key"):
        yield from validate_label_key(toleration["key"], f"{path}.key")
    operator, value = toleration["operator"], toleration.get("value", "")
    if operator == "Exists":
        if value:
            yield fe.invalid(f"{path}.value", value, "must be empty for operator `Exists`")
    elif operator == "Equal":
        yield from validate_label_value(value, f"{path}.value")
    else:
        yield fe.not_supported(f"{path}.operator", operator, ("Equal", "Exists"))
    effect = toleration.get("effect", "")
    if effect and effect not in DEVICE_EFFECTS:
        yield fe.not_supported(f"{path}.effect", effect, DEVICE_EFFECTS)


def _constraint(constraint: Object, known: frozenset[str], path: str) -> Iterator[FieldError]:
    yield from _references(constraint, known, path)
    for key in ("matchAttribute", "distinctAttribute"):
        if key in constraint:
            yield from validate_fully_qualified_name(constraint[key], f"{path}.{key}")
            return
    detail = 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set'
    yield fe.required(path, detail)


def validate_request_reference(name: str, known: frozenset[str], path: str) -> Iterator[FieldError]:
    """Check the name of a request, or of a request and a subrequest; ``known`` are those of the claim."""
    segments = name.split("/")
    if len(segments) <= 2:
        for segment in segments:
            yield from validate_dns_label(segment, path)
    if name not in known:
        yield fe.invalid(path, name, _NO_SUCH_REQUEST)


def _references(holder: Object, known: frozenset[str], path: str) -> Iterator[FieldError]:
    def rule(name: str, where: str) -> Iterator[FieldError]:
        yield from validate_request_reference(name, known, where)

    yield from validate_unique(holder.get("requests", []), _MAX_ENTRIES, rule, str, f"{path}.requests")


def _claim_config(config: Object, known: frozenset[str], path: str) -> Iterator[FieldError]:
    yield from _references(config, known, path)
    yield from validate_configuration(config, path)


def validate_configuration(config: Object, path: str) -> Iterator[FieldError]:
    """Check the configuration of devices: opaque parameters of a driver."""
    opaque = config.get("opaque")
    if opaque is None:
        yield fe.required(f"{path}.opaque")
        return
    yield from validate_driver_name(opaque.get("driver", ""), f"{path}.opaque.driver")
    where, parameters = f"{path}.opaque.parameters", opaque.get("parameters")
    if parameters is None:
        yield fe.required(where)
    elif len(msgspec.json.encode(parameters)) > _MAX_PARAMETERS:
        yield fe.too_long(where, _MAX_PARAMETERS)
    elif not isinstance(parameters, dict):
        yield fe.invalid(where, "<value omitted>", "must be a valid JSON object")


def validate_binding_conditions(device: Object, path: str) -> Iterator[FieldError]:
    """Validate the conditions that a pod with the device waits for before it is bound (KEP-5007)."""
    wanted, failed = device.get("bindingConditions", []), device.get("bindingFailureConditions", [])
    for key, conditions in (("bindingConditions", wanted), ("bindingFailureConditions", failed)):
        yield from validate_each(conditions, _MAX_CONDITIONS, validate_label_key, f"{path}.{key}")
    for key, conditions in (("bindingConditions", wanted), ("bindingFailureConditions", failed)):
        for index, condition in enumerate(conditions):
            if condition in conditions[:index]:
                yield fe.duplicate(f"{path}.{key}[{index}]", condition)
            if conditions is failed and condition in wanted:
                detail = "bindingFailureConditions must not overlap with bindingConditions"
                yield fe.invalid(f"{path}.{key}[{index}]", condition, detail)
    if failed and not wanted:
        detail = "bindingConditions are required to use bindingFailureConditions"
        yield fe.invalid(f"{path}.bindingConditions", wanted or fe.NULL, detail)
    if wanted and not failed:
        detail = "bindingFailureConditions are required to use bindingConditions"
        yield fe.invalid(f"{path}.bindingFailureConditions", failed or fe.NULL, detail)


# -- classes -------------------------------------------------------------------------------------------------


def _class(device_class: Object) -> Iterable[FieldError]:
    yield from validate_metadata(device_class["metadata"], dns_subdomain_name, namespaced=False)
    yield from _class_spec(device_class["spec"])


def _class_update(device_class: Object, old: Object) -> Iterable[FieldError]:
    yield from validate_metadata_update(device_class["metadata"], old["metadata"])
    spec, was = device_class["spec"], old["spec"]
    # Stored expressions stay valid regardless of the rules for new ones.
    unchanged = {key for key in ("selectors", "config") if spec.get(key) == was.get(key)}
    yield from _class_spec({key: value for key, value in spec.items() if key not in unchanged})


def _class_spec(spec: Object) -> Iterator[FieldError]:
    yield from validate_each(spec.get("selectors", []), _MAX_ENTRIES, _selector, "spec.selectors")
    yield from validate_each(spec.get("config", []), _MAX_ENTRIES, validate_configuration, "spec.config")
    name = spec.get("extendedResourceName")
    if name is not None and not is_extended(name):
        yield fe.invalid("spec.extendedResourceName", name, "must be a valid extended resource name")


CREATE = {"DeviceClass": _class, "ResourceClaim": _claim, "ResourceClaimTemplate": _template}
UPDATE = {
    "DeviceClass": _class_update,
    "ResourceClaim": _claim_update,
    "ResourceClaimTemplate": _template_update,
}
