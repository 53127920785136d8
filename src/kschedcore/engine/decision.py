"""The decisions of scheduling cycles."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import fields, make_dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, overload

import pyarrow as pa

from kschedcore.api.html import html_table
from kschedcore.engine.binding import key_of
from kschedcore.errors import Interrupted

if TYPE_CHECKING:
    from kschedcore.api.objects import Pod
    from kschedcore.engine.devices.state import ClaimChange
    from kschedcore.engine.diagnosis import Diagnosis

SCHEMA = pa.schema(
    [
        ("namespace", pa.string()),
        ("pod", pa.string()),
        ("node", pa.string()),
        ("feasible", pa.int32()),
        ("total", pa.int64()),
        ("ties", pa.int32()),
        ("nominated_node", pa.string()),
        ("victims", pa.list_(pa.string())),
        ("message", pa.string()),
    ]
)
"""Decisions as a table: ``node``, ``total`` and ``ties`` are null for pods without a node, the rest for placed pods."""


class Decision:
    """The node chosen for a pod, or the reasons why there is none.

    Attributes:
        pod: The pod.
        node: The chosen node's name, or None.
        feasible: Number of nodes that passed the filters.
        total: The chosen node's score.
        ties: Number of nodes with that score.
        diagnosis: Why there is no node; None when there is one.
        equals: :attr:`equal_nominations`, with pods instead of names.
        keeps_nomination: Whether an earlier nomination stays valid, because preemption was not tried; else it is
            removed, or replaced by ``nominated_node``.
        claims: The changes of ResourceClaims: those that are allocated and reserved for the pod, or those that are
            deallocated because they keep it from being scheduled.
    """

    __dataclass_fields__: ClassVar = {
        each.name: each
        for each in fields(
            make_dataclass(
                "_Row",
                ["pod_name", "node", "feasible", "total", "ties", "nominated_node", "victims", "message"],
            )
        )
    }
    """The columns that ``pandas.DataFrame(decisions)`` makes of the attributes."""

    __slots__ = (
        "claims",
        "diagnosis",
        "equals",
        "feasible",
        "keeps_nomination",
        "node",
        "pod",
        "ties",
        "total",
    )

    def __init__(
        self,
        pod: Pod,
        node: str | None,
        feasible: int = 0,
        total: int = 0,
        ties: int = 0,
        diagnosis: Diagnosis | None = None,
        equals: tuple[tuple[str, tuple[Pod, ...]], ...] = (),
        keeps_nomination: bool = False,
        claims: tuple[ClaimChange, ...] = (),
    ) -> None:
        self.pod = pod
        self.node = node
        self.feasible = feasible
        self.total = total
        self.ties = ties
        self.diagnosis = diagnosis
        self.equals = equals
        self.keeps_nomination = keeps_nomination
        self.claims = claims

    @property
    def nominated_node(self) -> str | None:
        """The node that preemption nominates the pod to, or None."""
        return self.equals[0][0] if self.equals else None

    @property
    def victims(self) -> tuple[str, ...]:
        """The pods to evict from the nominated node, as ``namespace/name``."""
        return _names(self.equals[0][1]) if self.equals else ()

    @property
    def equal_nominations(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """(node, victims) that preemption found equally good, the chosen one first, 64 at most.

        kube-scheduler chooses one at random.
        """
        return tuple((node, _names(victims)) for node, victims in self.equals)

    @property
    def devices(self) -> tuple[str, ...]:
        """The devices allocated by this decision, as ``driver/pool/device``."""
        if self.node is None:
            return ()
        return tuple(
            f"{result.driver}/{result.pool}/{result.device}"
            for old, new in self.claims
            if new is not None and new.status.allocation is not None
            if old is None or old.status.allocation is None
            for result in new.status.allocation.devices.results or ()
        )

    @property
    def pod_name(self) -> str:
        """The pod as ``namespace/name``."""
        return f"{self.pod.metadata.namespace or 'default'}/{self.pod.metadata.name}"

    @property
    def message(self) -> str:
        """kube-scheduler's message why there is no node; empty when there is one."""
        return "" if self.diagnosis is None else self.diagnosis.message

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Decision):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    def __repr__(self) -> str:
        if self.node is not None:
            return f"<Decision {self.pod_name} -> {self.node} ({self.total}, 1 of {self.ties} best)>"
        nominated = f", nominated {self.nominated_node}" if self.nominated_node else ""
        return f"<Decision {self.pod_name} unschedulable{nominated}: {self.message}>"

    def _repr_html_(self) -> str:
        return html_table("Decision", _HTML_HEADERS, [_html_row(self)])


_HTML_HEADERS = ("pod", "node", "score", "feasible", "message")


def _html_row(decision: Decision) -> tuple[object, ...]:
    score = decision.total if decision.node is not None else None
    return decision.pod_name, decision.node, score, decision.feasible, decision.message


def _names(pods: Iterable[Pod]) -> tuple[str, ...]:
    return tuple(sorted("/".join(key_of(pod)) for pod in pods))


def attach_decisions(error: BaseException, decisions: Decisions | pa.Table) -> None:
    """Set ``error.decisions`` to the decisions that were committed before an exception ended a batch.

    Raises:
        Interrupted: The exception is a KeyboardInterrupt.
    """
    if type(error) is KeyboardInterrupt:
        raise Interrupted(decisions) from error
    with suppress(AttributeError):
        error.decisions = decisions  # type: ignore[attr-defined]


class Decisions(Collection[Decision]):
    """The decisions of one batch, in the order in which the pods were tried.

    It can be indexed and iterated over like a tuple, and passed to anything that takes Arrow tables. It is not a
    ``Sequence``: data frame libraries would convert a sequence to a column of Python objects instead of calling
    ``__arrow_c_stream__``.
    """

    def __init__(self, decisions: list[Decision]) -> None:
        self._decisions = decisions

    @overload
    def __getitem__(self, index: int) -> Decision: ...
    @overload
    def __getitem__(self, index: slice) -> Decisions: ...
    def __getitem__(self, index: int | slice) -> Decision | Decisions:
        if isinstance(index, slice):
            return Decisions(self._decisions[index])
        return self._decisions[index]

    def __len__(self) -> int:
        return len(self._decisions)

    def __contains__(self, decision: object) -> bool:
        return decision in self._decisions

    def __iter__(self) -> Iterator[Decision]:
        return iter(self._decisions)

    def __eq__(self, other: object) -> bool:
        return self._decisions == other._decisions if isinstance(other, Decisions) else NotImplemented

    @property
    def placed(self) -> Decisions:
        """The decisions with a node."""
        return Decisions([d for d in self if d.node is not None])

    @property
    def unschedulable(self) -> Decisions:
        """The decisions without a node."""
        return Decisions([d for d in self if d.node is None])

    def to_arrow(self) -> pa.Table:
        """Return the batch as a table of :data:`SCHEMA`, in the order in which the pods were tried."""
        rows = [
            {
                "namespace": d.pod.metadata.namespace or "default",
                "pod": d.pod.metadata.name,
                "node": d.node,
                "feasible": d.feasible,
                "total": d.total if d.node else None,
                "ties": d.ties if d.node else None,
                "nominated_node": d.nominated_node,
                "victims": list(d.victims) or None,
                "message": d.message or None,
            }
            for d in self
        ]
        return pa.Table.from_pylist(rows, SCHEMA)

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

    def _repr_html_(self) -> str:
        rows = [_html_row(each) for each in self]
        return html_table(repr(self)[1:-1], _HTML_HEADERS, rows)

    def __repr__(self) -> str:
        return f"<Decisions: {len(self.placed)} placed, {len(self.unschedulable)} unschedulable>"
