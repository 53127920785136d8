"""Resource amounts for people: cores, and binary units rounded to what one can compare at a glance."""

from __future__ import annotations

__all__ = ["amount", "share"]

BYTES = ("memory", "ephemeral-storage", "hugepages-")
UNITS = ("Ki", "Mi", "Gi", "Ti", "Pi", "Ei")


def amount(resource: str, value: int) -> str:
    """Return a value as one would write it in a manifest, to about three digits.

    Args:
        resource: The resource's name, ``cpu`` or ``memory`` or ``nvidia.com/gpu``.
        value: In the scheduler's units: thousandths of a core for ``cpu``, bytes, or a count.
    """
    if resource == "cpu":
        return f"{value / 1000:.3f}".rstrip("0").rstrip(".")
    if not resource.startswith(BYTES):
        return str(value)
    unit, size = "", float(value)
    for larger in UNITS:
        if abs(size) < 1024:
            break
        unit, size = larger, size / 1024
    digits = 0 if abs(size) >= 100 or size == int(size) else 1
    return f"{size:.{digits}f}{unit}"


def share(part: int, whole: int) -> str:
    """Return ``part`` of ``whole`` in whole per cent, rounded down as kubectl does."""
    return f"{part * 100 // whole}%" if whole else "-"
