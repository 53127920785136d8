"""Compare one step with its recording, value by value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kschedcore.conformance.results import Difference

__all__ = ["differences"]

EMPTY: tuple[object, ...] = (None, "", [], {})
UNORDERED = "reasons"
"""The order of lists with this key does not matter."""


def differences(expected: object, found: object, path: str = "") -> Iterator[Difference]:
    """Yield every value that differs, descending into mappings.

    An absent key equals an empty value, because Kubernetes omits empty fields. Lists are compared whole, those named
    ``reasons`` sorted.

    Args:
        expected: The recorded value.
        found: The computed value, in the same layout.
        path: The path of the two values in the step.
    """
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        for key in dict.fromkeys([*expected, *found]):
            below = f"{path}.{key}" if path else str(key)
            yield from differences(expected.get(key), found.get(key), below)
    elif _comparable(expected, path) != _comparable(found, path):
        yield Difference(path, expected, found)


def _comparable(value: object, path: str) -> object:
    if isinstance(value, list | tuple):
        value = sorted(value) if path.rpartition(".")[2] == UNORDERED else list(value)
    return None if value in EMPTY else value
