"""Compiled requests of claims, shared by all claims with the same spec."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kschedcore.api.objects.devices import (
    DeviceClass,
    DeviceConstraint,
    DeviceRequest,
    DeviceSelector,
    ExactDeviceRequest,
    ResourceClaimSpec,
)
from kschedcore.api.objects.pods import Toleration
from kschedcore.api.quantity import Quantity
from kschedcore.engine.devices.features import AllocationError, DeviceFeatures
from kschedcore.engine.devices.inventory import Device
from kschedcore.engine.devices.selection import Appearance

__all__ = ["MAX_ALTERNATIVES", "Alternative", "ClaimPlan", "missing_class"]

MAX_ALTERNATIVES = 8
"""Maximum number of subrequests of a request (``FirstAvailableDeviceRequestMaxSize``)."""

_NO_SELECTOR = "CEL expression empty (unsupported selector type?)"


@dataclass(eq=False)
class Alternative:
    """A request, or one subrequest of ``firstAvailable``.

    Attributes:
        name: The name of the request or subrequest.
        request: The name of the request.
        full_name: ``request``, or ``request/subrequest``.
        spec: The spec of the request or subrequest.
        count: Number of devices, for mode ExactCount.
        everything: Whether all matching devices are requested (mode All).
        admin: Whether it has admin access, and so may use devices that are in use.
        tolerations: The device taints that it tolerates.
        capacity: Capacity -> amount.
        class_name: The device class.
        score: The node's score if this subrequest is chosen: higher for earlier ones; 0 for a plain request.
        class_selectors: The expressions of the class.
        selectors: The expressions of the request.
        problem: kube-scheduler's message if it cannot be satisfied on any node.
    """

    name: str
    request: str
    full_name: str
    spec: ExactDeviceRequest
    score: int
    count: int = 1
    everything: bool = False
    admin: bool = False
    tolerations: tuple[Toleration, ...] = ()
    capacity: Mapping[str, Quantity] = field(default_factory=dict)
    class_name: str = ""
    problem: str = ""
    class_selectors: tuple[str, ...] = ()
    selectors: tuple[str, ...] = ()
    _answers: dict[Appearance, bool] = field(default_factory=dict)

    @property
    def is_one_of_several(self) -> bool:
        """Whether it is a subrequest of ``firstAvailable``."""
        return self.score > 0

    def selects(self, device: Device, claim: str) -> bool:
        """Return whether the selectors of the class and of the request select a device.

        Args:
            device: The device.
            claim: The claim as ``namespace/name``, for errors.

        Raises:
            AllocationError: A selector is invalid, or fails for the device.
        """
        appearance = device.appearance
        answer = self._answers.get(appearance)
        if answer is None:
            answer = self._answers[appearance] = self._all_match(
                f"class {self.class_name}", self.class_selectors, appearance
            ) and self._all_match(f"claim {claim}", self.selectors, appearance)
        return answer

    @staticmethod
    def _all_match(owner: str, expressions: tuple[str, ...], appearance: Appearance) -> bool:
        for number, expression in enumerate(expressions):
            answer = appearance.matches(expression)
            if isinstance(answer, str):
                raise AllocationError(f"{owner}: selector #{number}: {answer}")
            if not answer:
                return False
        return True


@dataclass(eq=False)
class ClaimPlan:
    """The compiled requests of a claim, and the constraints among them.

    Attributes:
        requests: For each request its subrequests, in order; a plain request is its only one.
        constraints: The constraints.
        has_alternatives: Whether any request has ``firstAvailable``.
    """

    requests: tuple[tuple[Alternative, ...], ...]
    constraints: tuple[DeviceConstraint, ...]

    @property
    def has_alternatives(self) -> bool:
        """Whether any request has ``firstAvailable``."""
        return any(each.is_one_of_several for request in self.requests for each in request)

    @classmethod
    def of(
        cls, spec: ResourceClaimSpec, classes: Mapping[str, DeviceClass], features: DeviceFeatures
    ) -> ClaimPlan:
        """Compile a claim's spec."""
        return cls(
            tuple(_alternatives(each, classes, features) for each in spec.devices.requests or ()),
            spec.devices.constraints or (),
        )


def _alternatives(
    request: DeviceRequest, classes: Mapping[str, DeviceClass], features: DeviceFeatures
) -> tuple[Alternative, ...]:
    if request.first_available:
        return tuple(
            _compiled(
                Alternative(
                    each.name, request.name, f"{request.name}/{each.name}", each, MAX_ALTERNATIVES - place
                ),
                classes,
                features,
            )
            for place, each in enumerate(request.first_available)
        )
    exactly = request.exactly or ExactDeviceRequest()
    return (_compiled(Alternative(request.name, request.name, request.name, exactly, 0), classes, features),)


def _compiled(made: Alternative, classes: Mapping[str, DeviceClass], features: DeviceFeatures) -> Alternative:
    spec = made.spec
    made.count = spec.count or 1
    made.everything = spec.allocation_mode == "All"
    made.admin = bool(spec.admin_access) and not made.is_one_of_several
    made.tolerations = spec.tolerations or ()
    made.class_name = spec.device_class_name
    if spec.capacity is not None:
        made.capacity = {
            name: Quantity.parse(amount) for name, amount in (spec.capacity.requests or {}).items()
        }
    device_class = classes.get(made.class_name)
    made.problem = _problem(made, device_class, features)
    if not made.problem:
        made.class_selectors = _expressions(device_class.spec.selectors if device_class is not None else ())
        made.selectors = _expressions(spec.selectors)
    return made


def _expressions(selectors: tuple[DeviceSelector, ...] | None) -> tuple[str, ...]:
    return tuple(each.cel.expression if each.cel is not None else "" for each in selectors or ())


def _problem(made: Alternative, device_class: DeviceClass | None, features: DeviceFeatures) -> str:
    """Return why a request cannot be satisfied on any node (``validateDeviceRequest``)."""
    spec, name = made.spec, made.name
    if spec.capacity is not None and not features.consumable_capacity:
        kind = "subrequest" if made.is_one_of_several else "request"
        return f"{kind} {name}: has capacity requests, but the DRAConsumableCapacity feature is disabled"
    for number, selector in enumerate(spec.selectors or ()):
        if selector.cel is None:
            return f"request {name}, selector #{number}: {_NO_SELECTOR}"
    if made.admin and not features.admin_access:
        return f"request {name}: admin access is requested, but the feature is disabled"
    if not made.class_name:
        return f"request {name}: missing device class name (unsupported request type?)"
    if device_class is None:
        missing = f'deviceclass.resource.k8s.io "{made.class_name}" not found'
        return f"request {name}: could not retrieve device class {made.class_name}: {missing}"
    if spec.allocation_mode not in (None, "", "All", "ExactCount"):
        return f"request {name}: unsupported count mode {spec.allocation_mode}"
    return ""


def missing_class(
    claim: str, spec: ResourceClaimSpec, classes: Mapping[str, DeviceClass], features: DeviceFeatures
) -> str:
    """Return why a claim cannot be allocated at all, or an empty string.

    A device class does not exist (``validateDeviceClass``), or a request has subrequests that are switched off.
    """
    for request in spec.devices.requests or ():
        if request.exactly is not None:
            named = {request.name: request.exactly.device_class_name}
        elif request.first_available:
            if not features.prioritized_list:
                why = "has subrequests, but the DRAPrioritizedList feature is disabled"
                return f"resource claim {claim}, request {request.name}: {why}"
            named = {
                f"{request.name}/{each.name}": each.device_class_name for each in request.first_available
            }
        else:
            return f"resource claim {claim}, request {request.name}: unknown request type"
        for name, device_class in named.items():
            if device_class not in classes:
                return f"request {name}: device class {device_class} does not exist"
    return ""
