"""How many more pods like one would fit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Capacity:
    """What is left for pods of one kind.

    Attributes:
        replicas: How many more would be placed, one after another.
        limiting: Why the next one would not be: reason -> how many nodes give it. Empty when a limit ended the
            count.
    """

    replicas: int
    limiting: dict[str, int]
