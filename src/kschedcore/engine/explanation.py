"""The verdict and the scores of every plugin for every node, for one pod."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from kschedcore.api.html import html_table
from kschedcore.engine.devices.summary import allocations
from kschedcore.engine.diagnosis import Rejection

if TYPE_CHECKING:
    import numpy.typing as npt

    from kschedcore._native.core import Core
    from kschedcore._native.podclass import PodClass
    from kschedcore.api.objects import ResourceClaim
    from kschedcore.engine.decision import Decision
    from kschedcore.engine.plugin import Status
    from kschedcore.engine.stepwise import Stepwise


@dataclass(frozen=True)
class Score:
    """One plugin's score of one node.

    Attributes:
        raw: As the plugin's Score returned it.
        normalised: After NormalizeScore, 0 to 100.
        weighted: Times the plugin's weight in the profile.
    """

    raw: int
    normalised: int
    weighted: int


@dataclass(frozen=True)
class Verdicts:
    """The verdict of every node for one pod, as a column.

    Attributes:
        nodes: All nodes, in name order.
        codes: int64[n]: the index of each node's verdict in ``rejections``; -1 for a node that is not rejected.
        rejections: The distinct verdicts; empty when no node was filtered.
        pre_filter: The status with which PreEnqueue or PreFilter ended the cycle, or None.
    """

    nodes: list[str]
    codes: npt.NDArray[np.int64]
    rejections: tuple[Rejection, ...] = ()
    pre_filter: Status | None = None

    @classmethod
    def of(cls, core: Core, pod_class: PodClass | Stepwise, *, narrowed: bool = False) -> Verdicts:
        """Read a refreshed class's column; ``narrowed``: nodes that the class is not restricted to are left out."""
        nodes, resources = core.nodes.names(), core.nodes.resource_names
        if narrowed:
            return cls.none(nodes)
        rows, codes = np.unique(pod_class.verdicts()[core.nodes.slots_by_name()], return_inverse=True)
        rejections = tuple(Rejection(*core.reasons.describe(row, resources)) for row in rows.tolist() if row)
        return cls(nodes, codes - 1 if len(rows) > len(rejections) else codes, rejections)

    @classmethod
    def none(cls, nodes: list[str], pre_filter: Status | None = None) -> Verdicts:
        """Return that no node was rejected by a filter."""
        return cls(nodes, np.full(len(nodes), -1, np.int64), (), pre_filter)


class Explanation:
    """The explanation of a decision.

    Attributes:
        decision: The decision.
        nodes: All nodes, in name order.
        verdicts: Node -> its rejection, None for a feasible node. Empty when no node was filtered.
        scores: Feasible node -> plugin -> score. A plugin that skipped the pod is absent.
        totals: Feasible node -> sum of weighted scores.
        devices: Node whose devices cannot be allocated -> a line for each request that fails, with the reasons.
        pre_filter: The status with which PreEnqueue or PreFilter ended the cycle, or None.
    """

    def __init__(self, decision: Decision, nodes: list[str], pre_filter: Status | None) -> None:
        self.decision = decision
        self.nodes = nodes
        self.pre_filter = pre_filter
        self.verdicts: dict[str, Rejection | None] = {}
        self.scores: dict[str, dict[str, Score]] = {}
        self.totals: dict[str, int] = {}
        self.devices: dict[str, list[str]] = {}

    @classmethod
    def of(
        cls, core: Core, pod_class: PodClass | Stepwise, decision: Decision, *, narrowed: bool = False
    ) -> Explanation:
        """Read a refreshed class's columns; ``narrowed``: nodes that the class is not restricted to are left out."""
        self = cls(decision, core.nodes.names(), None)
        slots = core.nodes.slots_by_name().tolist()
        verdicts = pod_class.verdicts()
        totals = pod_class.totals()
        columns = {
            plugin: (raw.tolist(), normalised.tolist(), weight)
            for plugin, (raw, normalised, weight) in sorted(pod_class.score_columns().items())
        }
        for name, slot in zip(self.nodes, slots, strict=True):
            verdict = int(verdicts[slot])
            if verdict and narrowed:
                continue
            if verdict:
                self.verdicts[name] = Rejection(*core.reasons.describe(verdict, core.nodes.resource_names))
                continue
            self.verdicts[name] = None
            self.totals[name] = int(totals[slot])
            self.scores[name] = {
                plugin: Score(raw[slot], normalised[slot], normalised[slot] * weight)
                for plugin, (raw, normalised, weight) in columns.items()
            }
        return self

    @property
    def feasible(self) -> list[str]:
        """Nodes that pass every filter, in name order."""
        return [name for name in self.nodes if name in self.totals]

    @property
    def best(self) -> list[str]:
        """The feasible nodes with the highest total, in name order."""
        high = max(self.totals.values(), default=None)
        return [name for name, total in self.totals.items() if total == high]

    def to_step(self, claims: Iterable[ResourceClaim] = ()) -> dict[str, Any]:
        """Return the explanation in the layout of recorded scheduling steps; keys without content are left out.

        Args:
            claims: The cluster's ResourceClaims as the decision leaves them, see ``Engine.claims_after``.
        """
        step: dict[str, Any] = {"pod": self.decision.pod_name}
        if self.pre_filter is not None:
            status = self.pre_filter
            step["preFilter"] = {
                "code": status.code,
                "plugin": status.plugin,
                "reasons": sorted(status.reasons),
            }
        rejected = {name: verdict for name, verdict in self.verdicts.items() if verdict is not None}
        if rejected:
            step["rejected"] = {name: _recorded(verdict) for name, verdict in rejected.items()}
        failed = any(verdict.code == "Error" for verdict in rejected.values())
        if self.totals and not failed:
            step["feasible"] = self.feasible
            step["scores"] = {
                name: {plugin: score.weighted for plugin, score in scores.items()}
                for name, scores in self.scores.items()
            }
            step["totals"] = dict(self.totals)
            step["best"] = self.best
            step["chosen"] = self.decision.node
            if allocated := allocations(claims):
                step["allocations"] = allocated
        if failed:
            step["error"] = True
        diagnosis = self.decision.diagnosis
        if self.decision.nominated_node:
            step["nominated"] = self.decision.nominated_node
            step["victims"] = sorted(self.decision.victims)
        elif diagnosis is not None and diagnosis.post_filter:
            step["postFilter"] = diagnosis.post_filter
        return step

    def to_dict(self, feasible: Iterable[str] | None = None) -> dict[str, Any]:
        """Return the explanation as JSON-shaped data: namespace, name, node, message, nodes, rejected and preFilter.

        Args:
            feasible: The order of the feasible nodes; by name when None.
        """
        decision = self.decision
        data: dict[str, Any] = {
            "namespace": decision.pod.metadata.namespace or "default",
            "name": decision.pod.metadata.name,
            "node": decision.node,
            "message": decision.message,
            "nodes": [
                {
                    "name": node,
                    "total": self.totals[node],
                    "scores": {plugin: asdict(score) for plugin, score in self.scores[node].items()},
                }
                for node in (self.feasible if feasible is None else feasible)
            ],
            "rejected": {
                node: {"code": verdict.code, "plugin": verdict.plugin, "reasons": list(verdict.reasons)}
                for node, verdict in self.verdicts.items()
                if verdict is not None
            },
        }
        if self.devices:
            data["devices"] = {node: list(lines) for node, lines in self.devices.items()}
        if (status := self.pre_filter) is not None:
            data["preFilter"] = {
                "code": status.code,
                "plugin": status.plugin,
                "reasons": list(status.reasons),
            }
        return data

    def to_arrow(self) -> pa.Table:
        """Return a row for each node and plugin: node, plugin, code, reasons, raw, normalised, weighted."""
        rows: list[dict[str, Any]] = []
        for name in self.nodes:
            verdict = self.verdicts.get(name)
            if verdict is not None:
                rows.append(
                    {
                        "node": name,
                        "plugin": verdict.plugin,
                        "code": verdict.code,
                        "reasons": list(verdict.reasons),
                    }
                )
            for plugin, score in self.scores.get(name, {}).items():
                rows.append(
                    {
                        "node": name,
                        "plugin": plugin,
                        "raw": score.raw,
                        "normalised": score.normalised,
                        "weighted": score.weighted,
                    }
                )
        return pa.Table.from_pylist(rows, _SCHEMA)

    def to_pandas(self) -> Any:
        """Return :meth:`to_arrow`'s table as a pandas DataFrame.

        Raises:
            ImportError: pandas is not installed.
        """
        return self.to_arrow().to_pandas()

    def to_polars(self) -> Any:
        """Return :meth:`to_arrow`'s table as a polars DataFrame.

        Raises:
            ImportError: polars is not installed.
        """
        return import_module("polars").from_arrow(self.to_arrow())

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Export :meth:`to_arrow`'s table as a C stream (Arrow PyCapsule interface)."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def __eq__(self, other: object) -> bool:
        return vars(self) == vars(other) if isinstance(other, Explanation) else NotImplemented

    def _repr_html_(self) -> str:
        rows = sorted(self.totals.items(), key=lambda item: (-item[1], item[0]))
        return html_table(repr(self)[1:-1], ("node", "score"), rows)

    def __repr__(self) -> str:
        return f"<Explanation of {self.decision!r}: {len(self.totals)} of {len(self.nodes)} nodes feasible>"


_SCHEMA = pa.schema(
    [
        ("node", pa.string()),
        ("plugin", pa.string()),
        ("code", pa.string()),
        ("reasons", pa.list_(pa.string())),
        ("raw", pa.int64()),
        ("normalised", pa.int64()),
        ("weighted", pa.int64()),
    ]
)


def _recorded(verdict: Rejection) -> dict[str, Any]:
    if verdict.code == "PreFilterResult":
        return {"code": verdict.code, "plugin": "", "reasons": []}
    return {"code": verdict.code, "plugin": verdict.plugin, "reasons": sorted(verdict.reasons)}
