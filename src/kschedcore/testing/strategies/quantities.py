"""Resource quantities in every notation of Kubernetes."""

from __future__ import annotations

from hypothesis import strategies as st

from kschedcore.api.quantity import milli_value

__all__ = ["quantities"]

_UNITS = {"Gi": 2**30, "Mi": 2**20, "Ki": 2**10, "G": 10**9, "M": 10**6, "k": 10**3}


def quantities(least: str = "0", most: str = "16", *, whole: bool = False) -> st.SearchStrategy[str]:
    """Draw quantities between two others, inclusive: ``2``, ``1500m``, ``0.25``, ``3e9``, ``4Gi``.

    They shrink towards ``least`` in the simplest notation.

    Args:
        least: The smallest amount.
        most: The largest amount.
        whole: Whole units only, as for extended resources, pods and bytes.

    Raises:
        ValueError: A bound is not a quantity, or there is no amount between them.
    """
    low, high = milli_value(least), milli_value(most)
    steps = [1000, *(1000 * unit for unit in _UNITS.values()), *([] if whole else [1])]
    ranges = [(-(-low // step), high // step, step) for step in steps]
    amounts = [_multiples(*each) for each in ranges if each[0] <= each[1]]
    if not amounts:
        raise ValueError(f"least={least!r}, most={most!r}: no amount lies between them")
    return st.one_of(amounts).flatmap(lambda millis: st.sampled_from(_spellings(millis)))


def _multiples(first: int, last: int, step: int) -> st.SearchStrategy[int]:
    return st.integers(first, last).map(lambda count: count * step)


def _spellings(millis: int) -> list[str]:
    """Return the notations of an amount, the simplest first."""
    units, rest = divmod(millis, 1000)
    if rest:
        return [f"{millis}m", f"{millis / 1000:.3f}".rstrip("0"), f"{millis}e-3"]
    scaled = [f"{units // size}{unit}" for unit, size in _UNITS.items() if units and units % size == 0]
    return [str(units), *scaled, f"{millis}m", f"{units}e0", f"{units}.0"]
