"""Go durations (metav1.Duration), as a configuration spells them."""

from __future__ import annotations

import re
from fractions import Fraction

_UNITS = {
    "ns": Fraction(1, 10**9),
    "us": Fraction(1, 10**6),
    "µs": Fraction(1, 10**6),
    "μs": Fraction(1, 10**6),
    "ms": Fraction(1, 10**3),
    "s": Fraction(1),
    "m": Fraction(60),
    "h": Fraction(3600),
}
_PART = re.compile(r"(\d+\.?\d*|\.\d+)([^\d.]*)", re.ASCII)


def parse_duration(text: str) -> float:
    """Seconds that a Go duration spells: ``5s``, ``1m30s``, ``100ms``, ``-1.5h``, ``0``.

    Raises:
        ValueError: It is none; says so in Go's words (``time.ParseDuration``).
    """
    sign, rest = (-1, text[1:]) if text.startswith("-") else (1, text.removeprefix("+"))
    if rest == "0":
        return 0.0
    total, position = Fraction(0), 0
    while part := _PART.match(rest, position):
        number, unit = part.groups()
        if unit not in _UNITS:
            problem = f'unknown unit "{unit}" in' if unit else "missing unit in"
            raise ValueError(f'time: {problem} duration "{text}"')
        total += Fraction(number) * _UNITS[unit]
        position = part.end()
    if position != len(rest) or not rest:
        raise ValueError(f'time: invalid duration "{text}"')
    return float(sign * total)


def format_duration(seconds: float) -> str:
    """A duration as Go prints it: ``1m30s``, ``500ms``, ``15m0s``, ``0s``; to the microsecond."""
    micros = round(seconds * 10**6)
    if micros < 10**6:
        whole, unit = (micros, "µs") if micros < 1000 else (micros / 1000, "ms")
        return f"{whole:g}{unit}" if micros else "0s"
    minutes, rest = divmod(micros, 60 * 10**6)
    hours, minutes = divmod(minutes, 60)
    seconds_text = f"{rest / 10**6:.6f}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{hours}h{minutes}m{seconds_text}"
    return f"{minutes}m{seconds_text}" if minutes else seconds_text
