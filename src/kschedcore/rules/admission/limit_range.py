"""LimitRanges applied to pods and claims: defaults, minima, maxima and ratios (plugin LimitRanger)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kschedcore.api.machinery.frozen import FrozenDict, plain
from kschedcore.api.machinery.remembered import remembered, shared
from kschedcore.api.quantity import Quantity
from kschedcore.rules.amounts import ResourceList, amounts, parse

__all__ = ["claim_problems", "pod_problems", "with_limit_defaults"]

# Beyond this a quantity in thousandths would not fit 64 bits, and the server compares whole values.
_MAX_MILLI_VALUE = ((1 << 63) - 1) // 1000


@remembered
def with_limit_defaults(spec: FrozenDict, item: FrozenDict) -> tuple[FrozenDict, str]:
    """Return a pod's spec with the defaults of a limit, and the text of the pod's annotation about them."""
    notes: list[str] = []
    filled = plain(spec)
    for key, title in (("containers", "container"), ("initContainers", "init container")):
        for container in filled.get(key) or ():
            resources = container.setdefault("resources", {})
            for side, field in (("requests", "defaultRequest"), ("limits", "default")):
                present = resources.get(side, {})
                missing = {n: q for n, q in item.get(field, {}).items() if n not in present}
                if missing:
                    resources[side] = {**present, **missing}
                    names = ", ".join(sorted(missing))
                    notes.append(f"{names} {side[:-1]} for {title} {container['name']}")
    if not notes:
        return spec, ""
    return shared(filled), "LimitRanger plugin set: " + "; ".join(notes)


@remembered
def pod_problems(spec: FrozenDict, item: FrozenDict) -> tuple[str, ...]:
    """Return LimitRanger's messages for the constraints of a limit that a pod violates."""
    if item["type"] == "Pod":
        total = amounts(spec)
        return tuple(_problems("Pod", item, total.requests, total.limits))
    if item["type"] != "Container":
        return ()
    problems: list[str] = []
    for container in [*spec["containers"], *(spec.get("initContainers") or ())]:
        resources = container.get("resources") or {}
        requests, limits = parse(resources.get("requests", {})), parse(resources.get("limits", {}))
        problems += _problems("Container", item, requests, limits)
    return tuple(problems)


def _problems(kind: str, item: dict[str, Any], requests: ResourceList, limits: ResourceList) -> Iterator[str]:
    for name, text in item.get("min", {}).items():
        yield from _minimum(kind, name, Quantity.parse(text), requests.get(name), limits.get(name))
    for name, text in item.get("max", {}).items():
        yield from _maximum(kind, name, Quantity.parse(text), requests.get(name), limits.get(name))
    for name, text in item.get("maxLimitRequestRatio", {}).items():
        yield from _ratio(kind, name, Quantity.parse(text), requests.get(name), limits.get(name))


def _minimum(
    kind: str, name: str, least: Quantity, request: Quantity | None, limit: Quantity | None
) -> Iterator[str]:
    rule = f"minimum {name} usage per {kind} is {least}"
    if request is None:
        yield f"{rule}.  No request is specified"
    elif request < least:
        yield f"{rule}, but request is {request}"
    elif limit is not None and limit < least:
        yield f"{rule}, but limit is {limit}"


def _maximum(
    kind: str, name: str, most: Quantity, request: Quantity | None, limit: Quantity | None
) -> Iterator[str]:
    rule = f"maximum {name} usage per {kind} is {most}"
    if limit is None:
        yield f"{rule}.  No limit is specified"
    elif limit > most:
        yield f"{rule}, but limit is {limit}"
    elif request is not None and request > most:
        yield f"{rule}, but request is {request}"


def _ratio(
    kind: str, name: str, most: Quantity, request: Quantity | None, limit: Quantity | None
) -> Iterator[str]:
    rule = f"{name} max limit to request ratio per {kind} is {most}"
    stated = [quantity for quantity in (request, limit, most) if quantity is not None]
    in_milli = all(quantity.value() <= _MAX_MILLI_VALUE for quantity in stated)
    if request is None or _amount(request, in_milli) == 0:
        yield f"{rule}, but no request is specified or request is 0"
    elif limit is None or _amount(limit, in_milli) == 0:
        yield f"{rule}, but no limit is specified or limit is 0"
    else:
        ratio = _amount(limit, in_milli) / _amount(request, in_milli)
        if ratio * 1000 > most.milli_value():
            yield f"{rule}, but provided ratio is {ratio:f}"


def _amount(quantity: Quantity, in_milli: bool) -> int:
    return quantity.milli_value() if in_milli else quantity.value()


def claim_problems(claim: dict[str, Any] | None, items: Any) -> Iterator[str]:
    """Yield LimitRanger's messages for the constraints of limits that a claim violates."""
    requests = parse(claim["spec"]["resources"].get("requests", {})) if claim is not None else {}
    kind = "PersistentVolumeClaim"
    for item in items:
        if item["type"] != kind:
            continue
        for name, text in item.get("min", {}).items():
            yield from _minimum(kind, name, Quantity.parse(text), requests.get(name), None)
        for name, text in item.get("max", {}).items():
            most, request = Quantity.parse(text), requests.get(name)
            rule = f"maximum {name} usage per {kind} is {most}"
            if request is None:
                yield f"{rule}.  No request is specified"
            elif request > most:
                yield f"{rule}, but request is {request}"
