"""CEL selectors of devices, evaluated once for an expression and all devices with the same fields.

CEL is imported on first use, since importing it takes longer than scheduling a small cluster.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from kschedcore.api.objects.devices import Device
    from kschedcore.cel import CelError, CompileError
    from kschedcore.cel.devices import Device as SelectedDevice
    from kschedcore.cel.devices import Selectors

__all__ = ["Appearance", "Appearances"]


@cache
def _cel() -> tuple[type[SelectedDevice], type[CelError], type[CompileError]]:
    """Import what evaluations need of CEL."""
    from kschedcore.cel import CelError, CompileError
    from kschedcore.cel.devices import Device

    return Device, CelError, CompileError


class Appearance:
    """The fields of a device that selectors read, and the results of the selectors.

    Args:
        driver: The device's driver.
        seen: The fields of the device that selectors read, as in the API.
        selectors: Compiles expressions.
    """

    __slots__ = ("_answers", "_device", "_driver", "_seen", "_selectors")

    def __init__(self, driver: str, seen: dict[str, Any], selectors: Selectors) -> None:
        self._driver = driver
        self._seen = seen
        self._selectors = selectors
        self._device: SelectedDevice | None = None
        self._answers: dict[str, bool | str] = {}

    def matches(self, expression: str) -> bool | str:
        """Return whether an expression selects the device, or kube-scheduler's error message."""
        answer = self._answers.get(expression)
        if answer is None:
            answer = self._answers[expression] = self._evaluate(expression)
        return answer

    def _evaluate(self, expression: str) -> bool | str:
        device_type, cel_error, compile_error = _cel()
        try:
            selector = self._selectors.get(expression)
        except compile_error as error:
            return f"CEL compile error: {error}"
        try:
            if self._device is None:
                self._device = device_type.of(self._driver, self._seen)
            return selector.matches(self._device)
        except cel_error as error:
            return f"CEL runtime error: {error}"


class Appearances:
    """Interns appearances, so that devices with the same fields share results."""

    def __init__(self) -> None:
        self._selectors: Selectors | None = None
        self._known: dict[bytes, Appearance] = {}

    def of(self, driver: str, device: Device) -> Appearance:
        """Return the appearance of a device."""
        key = msgspec.msgpack.encode(
            (driver, device.attributes, device.capacity, device.allow_multiple_allocations)
        )
        found = self._known.get(key)
        if found is None:
            seen = msgspec.to_builtins(device)
            found = self._known[key] = Appearance(driver, seen, self._shared_selectors())
        return found

    def _shared_selectors(self) -> Selectors:
        if self._selectors is None:
            from kschedcore.cel.devices import Selectors

            self._selectors = Selectors()
        return self._selectors

    def clear(self) -> None:
        """Drop all appearances; existing devices keep theirs."""
        self._known.clear()
