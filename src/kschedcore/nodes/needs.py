"""The requirements of pods that nodes check on admission, read once for all pods of one template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kschedcore.api.objects import PodSpec, Toleration, decode
from kschedcore.api.selectors import NodeSelector, node_selector
from kschedcore.engine.columns.pods import host_ports
from kschedcore.rules.amounts import pod_requests

__all__ = ["Needs", "NeedsReader"]

_OF_POD = ("overhead", "resources", "nodeSelector", "affinity", "tolerations")
_OF_CONTAINER = ("resources", "ports", "restartPolicy")
_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Needs:
    """The requirements of a pod on its node.

    Attributes:
        requests: Resource name -> amount: cpu in millicores, others in whole units.
        ports: Protocol, address and number of each host port.
        node_selector: Labels the node must have.
        required: Required node affinity, if any.
        tolerations: The pod's tolerations.
    """

    requests: Mapping[str, int]
    ports: tuple[tuple[str, str, int], ...]
    node_selector: Mapping[str, str]
    required: NodeSelector | None
    tolerations: tuple[Toleration, ...]


class NeedsReader:
    """Reads the needs of pod specs; cached by identity, as pods of one template share the parts of their specs."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, ...], tuple[Needs, list[Any]]] = {}

    def of(self, spec: Mapping[str, Any]) -> Needs:
        """Return the needs of a stored pod spec."""
        parts = [spec.get(part) for part in _OF_POD]
        for kind in ("initContainers", "containers"):
            # Separates the two lists.
            parts.append(kind)
            parts += [each.get(part) for each in spec.get(kind, ()) for part in _OF_CONTAINER]
        key = tuple(map(id, parts))
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            # The parts are kept alive, so that no other object can get their ids.
            known = self._known[key] = _read(decode(PodSpec, spec)), parts
        return known[0]


def _read(spec: PodSpec) -> Needs:
    affinity = spec.affinity.node_affinity if spec.affinity else None
    required = affinity.required_during_scheduling_ignored_during_execution if affinity else None
    return Needs(
        pod_requests(spec),
        tuple(host_ports(spec)),
        spec.node_selector or {},
        None if required is None else node_selector(required),
        spec.tolerations or (),
    )
