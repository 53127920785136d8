"""Format resource amounts for people: cores, and binary units to about three digits."""

from __future__ import annotations

__all__ = ["amount", "duration_text", "share"]

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


def duration_text(seconds: float | None) -> str:
    """Return a span of time in its two largest units, as kubectl prints ages: ``3h25m``, ``45s``, ``0.25s``.

    Args:
        seconds: Its length; None where there is none.
    """
    if seconds is None:
        return "-"
    if abs(seconds) < 10:
        return f"{seconds:.3g}s"
    parts: list[str] = []
    left = round(seconds)
    days = [("d", 86400)] if left >= 48 * 3600 else []
    for name, length in (*days, ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, length)
        if count or parts:
            parts.append(f"{count}{name}" if count else "")
    return "".join(parts[:2])


def share(part: int, whole: int) -> str:
    """Return ``part`` of ``whole`` in whole per cent, rounded down as kubectl does."""
    return f"{part * 100 // whole}%" if whole else "-"
