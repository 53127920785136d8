"""The number of further pods that would fit."""

from __future__ import annotations

from dataclasses import dataclass

from kschedcore.api.html import html_table


@dataclass(frozen=True)
class Capacity:
    """The capacity left for pods with one spec.

    Attributes:
        replicas: Number of further pods that would be placed, one after another.
        limiting: The reasons that reject the next pod: reason -> number of nodes. Empty when the limit was reached.
    """

    replicas: int
    limiting: dict[str, int]

    def _repr_html_(self) -> str:
        return html_table(f"{self.replicas} more", ("limiting", "nodes"), list(self.limiting.items()))
