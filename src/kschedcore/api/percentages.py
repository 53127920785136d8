"""Fields that are a number or a percentage (``intstr.IntOrString``)."""

from __future__ import annotations

__all__ = ["scaled_value"]


def scaled_value(value: int | str, total: int, *, round_up: bool) -> int:
    """Return ``value`` as a number out of ``total``.

    Args:
        value: ``3`` or ``"25%"``.
        total: The total for percentages.
        round_up: Whether to round fractions up.

    Raises:
        ValueError: A text that is not a percentage.
    """
    if isinstance(value, int):
        return value
    digits = value.removesuffix("%")
    if digits == value or not digits.isdecimal():
        raise ValueError(f"invalid value for IntOrString: {value!r} is no percentage")
    product = int(digits) * total
    return -(-product // 100) if round_up else product // 100
