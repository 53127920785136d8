"""Pods from Arrow tables: rows that the scheduler treats alike share one typed view."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from datetime import UTC, datetime

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from kschedcore.api.objects import Container, ObjectMeta, Pod, PodSpec, decode
from kschedcore.api.objects.meta import Quantity
from kschedcore.api.objects.pods import ResourceRequirements
from kschedcore.engine.columns.tables import (
    LABEL,
    LABELS,
    NULL,
    REQUESTS,
    Amounts,
    ArrowStream,
    Coded,
    Table,
    distinct,
    plain,
)
from kschedcore.errors import ManifestError, UsageError
from kschedcore.rules.bounds import check

TEMPLATE = "template"

_COLUMNS = ("name", "node", "namespace", "uid", "startTime", "priority", LABELS, TEMPLATE)


class PodRows:
    """The rows of a table of pods.

    Columns: ``name`` (strings), and for bound pods ``node`` (strings), are required. All others may be missing or
    null: ``namespace`` (string; the template's or ``default``); ``uid`` (string); ``startTime`` (timestamp);
    ``priority`` (integer); ``label/KEY`` (strings, plain or dictionary) or ``labels`` (maps or structs of strings),
    which override the template's; and either ``template`` (string, best a dictionary: a Pod as JSON, which rows
    share) or ``requests/NAME`` (integers: millicores for cpu, else whole units), the requests of the pod's one
    container. Other columns are errors.

    Args:
        source: Anything with ``__arrow_c_stream__`` (pyarrow, polars, duckdb, pandas).
        bound: Whether the pods are bound; a table of pending pods must not have a column ``node``.

    Raises:
        UsageError: The source is not a table, lacks a column, or a column has a wrong type; a row has an invalid
            value, or the name of another row.
        ManifestError: A template is invalid.

    Attributes:
        names: The pods' names, a string array.
        namespaces: The pods' namespaces.
        nodes: The names of the pods' nodes; null for pending pods.
        uids: The pods' UIDs, a string array; None if no pod has one.
        starts: The pods' start times.
        shapes: One pod for each set of rows that the scheduler treats alike.
        shape_of: int32[n]: the index of each row's shape.
    """

    def __init__(self, source: ArrowStream, *, bound: bool = True) -> None:
        table = Table(source, "pods")
        table.refuse_unknown(_COLUMNS, (LABEL, REQUESTS))
        names = table.needed_texts("name")
        self.nodes = table.needed_texts("node") if bound else self._no_nodes(table)
        self.uids = plain(table.texts("uid")) if "uid" in table else None
        self.starts = table.seconds("startTime") if "startTime" in table else None
        shapes = _Shapes(table, names)
        self.namespaces = shapes.namespaces
        self.names = plain(names)
        self._refuse_twice(table, names)
        self.shape_of, first = distinct(len(table), shapes.columns())
        self.shapes = [shapes.pod(row, self._uid(row)) for row in first.tolist()]

    @staticmethod
    def _no_nodes(table: Table) -> Coded:
        if "node" in table:
            raise UsageError("a table of pending pods has a column 'node'; expected none")
        return _nulls(len(table))

    def _refuse_twice(self, table: Table, names: Coded) -> None:
        group, first = distinct(len(table), (self.namespaces.codes, names.codes))
        if len(first) < len(table):
            row = int((first[group] != np.arange(len(table))).argmax())
            raise table.fault(
                row, "name", names.at(row), f"one row a pod, and row {first[group[row]]} is this one's"
            )

    def __len__(self) -> int:
        return len(self.names)

    def _uid(self, row: int) -> str:
        return (self.uids[row].as_py() if self.uids is not None else None) or ""

    def key(self, row: int) -> tuple[str, str]:
        """Return a row's namespace and name."""
        return self.namespaces.values[self.namespaces.codes[row]], self.names[row].as_py()

    def pod_keys(self) -> Iterator[tuple[str, str]]:
        """Yield the namespaces and names of all rows."""
        spaces = np.array(self.namespaces.values, object)[self.namespaces.codes]
        return zip(spaces.tolist(), self.names.to_numpy(zero_copy_only=False).tolist(), strict=True)

    def node(self, row: int) -> str:
        """Return the name of a row's node."""
        found: str = self.nodes.values[self.nodes.codes[row]]
        return found

    def where(self, wanted: npt.NDArray[np.bool_]) -> PodRows:
        """Return the rows selected by a mask, bool[n]."""
        some = copy(self)
        chosen = pa.array(wanted)
        some.names = self.names.filter(chosen)
        some.uids = None if self.uids is None else self.uids.filter(chosen)
        some.namespaces = Coded(self.namespaces.codes[wanted], self.namespaces.values)
        some.nodes = Coded(self.nodes.codes[wanted], self.nodes.values)
        if self.starts is not None:
            some.starts = Amounts(self.starts.numbers[wanted], self.starts.valid[wanted])
        some.shape_of = self.shape_of[wanted]
        return some

    def pod(self, row: int) -> Pod:
        """Return a row as a typed view."""
        shape: Pod = self.shapes[self.shape_of[row]]
        name = self.names[row].as_py()
        metadata = msgspec.structs.replace(shape.metadata, name=name, uid=self._uid(row))
        spec = msgspec.structs.replace(shape.spec, node_name=self.nodes.at(row))
        start = None if self.starts is None else self.starts.at(row)
        status = shape.status
        if start is not None:
            moment = datetime.fromtimestamp(start, UTC).isoformat().replace("+00:00", "Z")
            status = msgspec.structs.replace(status, start_time=moment)
        return msgspec.structs.replace(shape, metadata=metadata, spec=spec, status=status)


class _Shapes:
    """The columns that scheduling depends on: templates or requests, namespaces, labels, priorities."""

    def __init__(self, table: Table, names: Coded) -> None:
        self._names = names
        nothing = _nulls(len(table))
        self._templates = table.texts(TEMPLATE) if TEMPLATE in table else nothing
        self._requests = table.resources(REQUESTS)
        if TEMPLATE in table and self._requests:
            column = REQUESTS + next(iter(self._requests))
            raise UsageError(f"a table of pods has columns {TEMPLATE!r} and {column!r}; expected one of them")
        self._labels = table.labels()
        self._priorities = table.priorities("priority") if "priority" in table else None
        rows = zip(self._templates.first_rows(), self._templates.values, strict=True)
        self._bases = [*(_template(row, text) for row, text in rows), Pod(metadata=ObjectMeta())]
        self.namespaces = self._namespaces(table.texts("namespace") if "namespace" in table else nothing)

    def _namespaces(self, given: Coded) -> Coded:
        """Return the namespaces of rows: their own, else those of their templates, else ``default``."""
        of_bases = [base.metadata.namespace or "default" for base in self._bases]
        of_rows = [text or "default" for text in given.values]
        places = {name: place for place, name in enumerate(dict.fromkeys([*of_rows, *of_bases]))}
        # The code NULL (-1) selects the last entry.
        else_ = np.array([places[name] for name in of_bases], np.int32)[self._templates.codes]
        own = np.array([*(places[name] for name in of_rows), NULL], np.int32)[given.codes]
        return Coded(np.where(own == NULL, else_, own), list(places))

    def columns(self) -> Iterator[npt.NDArray[np.int64] | npt.NDArray[np.int32]]:
        """Yield the columns that scheduling depends on, as integers."""
        yield self.namespaces.codes
        yield self._templates.codes
        # A generic ephemeral volume's claim is named after its pod.
        alone = [any(v.ephemeral is not None for v in base.spec.volumes or ()) for base in self._bases]
        if any(alone):
            rows = len(self._templates.codes)
            yield np.where(np.array(alone)[self._templates.codes], np.arange(rows), NULL)
        for label in self._labels.values():
            yield label.codes
        for amounts in (*self._requests.values(), *([] if self._priorities is None else [self._priorities])):
            yield amounts.numbers
            yield amounts.valid.astype(np.int32)

    def pod(self, row: int, uid: str) -> Pod:
        """Return the pod of a row."""
        base: Pod = self._bases[self._templates.codes[row]]
        own = {key: text for key, label in self._labels.items() if (text := label.at(row)) is not None}
        metadata = msgspec.structs.replace(
            base.metadata,
            name=self._names.at(row) or "",
            namespace=self.namespaces.at(row),
            uid=uid,
            labels={**(base.metadata.labels or {}), **own} or None,
        )
        spec = self._spec(row) if self._requests else base.spec
        priority = None if self._priorities is None else self._priorities.at(row)
        if priority is not None:
            spec = msgspec.structs.replace(spec, priority=priority)
        return msgspec.structs.replace(base, metadata=metadata, spec=spec)

    def _spec(self, row: int) -> PodSpec:
        """Return a spec with one container that has the row's requests."""
        requests: dict[str, Quantity] = {
            name: f"{amount}m" if name == "cpu" else str(amount)
            for name, amounts in self._requests.items()
            if (amount := amounts.at(row)) is not None
        }
        return PodSpec(containers=(Container(resources=ResourceRequirements(requests=requests)),))


def _nulls(rows: int) -> Coded:
    """Return a column of nulls."""
    return Coded(np.full(rows, NULL, np.int32), [])


def _template(row: int, text: str) -> Pod:
    try:
        pod = decode(Pod, text.encode())
        check(pod)
    except ManifestError as error:
        raise error.located(source=f"row {row} of the table of pods: column {TEMPLATE!r}") from None
    return pod
