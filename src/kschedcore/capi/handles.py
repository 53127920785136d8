"""The objects behind C's opaque handles. The table of functions (``table.pyx``) only converts to and from C."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from kschedcore.api.machinery.kinds import VIEWS
from kschedcore.engine.columns.tables import ArrowStream
from kschedcore.engine.engine import Engine
from kschedcore.errors import (
    ConfigError,
    KschedcoreError,
    ManifestError,
    NotFoundError,
    UsageError,
)

OK, USAGE, NOT_FOUND, CONFIG, MANIFEST, FAILED, NO_MEMORY, INTERNAL = range(8)
"""kschedcore_status."""

_CODES: tuple[tuple[type[BaseException], int], ...] = (
    (UsageError, USAGE),
    (NotFoundError, NOT_FOUND),
    (ConfigError, CONFIG),
    (ManifestError, MANIFEST),
    (KschedcoreError, FAILED),
    (RecursionError, MANIFEST),
    (MemoryError, NO_MEMORY),
)


def status_of(error: BaseException) -> tuple[int, str]:
    """Return the kschedcore_status of an exception, and its message as one line."""
    for kind, code in _CODES:
        if isinstance(error, kind):
            return code, _line(str(error) or type(error).__name__)
    return INTERNAL, _line(f"{type(error).__name__}: {error}")


def _line(text: str) -> str:
    return " ".join(text.split("\n")).replace("\0", "\\0")


class EngineHandle:
    """A ``kschedcore_engine``: a thread-safe engine.

    Args:
        tie_break: A kschedcore_tie_break.
        seed: Seed of the random choices.
        configuration: Path of a KubeSchedulerConfiguration; None for the default one.

    Raises:
        UsageError: There is no such ``tie_break``.
        ConfigError: kube-scheduler would refuse the configuration.
        NotFoundError: There is no such file.
    """

    def __init__(self, tie_break: int = 0, seed: int = 0, configuration: str | None = None) -> None:
        if tie_break not in (0, 1):
            raise UsageError(
                f"tie_break is {tie_break}; expected KSCHEDCORE_TIE_FIRST or KSCHEDCORE_TIE_RANDOM"
            )
        config = None if configuration is None else Path(configuration)
        self._engine = Engine(tie_break="random" if tie_break else "first", seed=seed, config=config)

    def add_nodes(self, nodes: ArrowStream) -> None:
        """See :meth:`Engine.add_nodes`."""
        table = _received(nodes, "nodes")
        self._engine.add_nodes(table)

    def add_pods(self, pods: ArrowStream) -> None:
        """See :meth:`Engine.add_pods`."""
        table = _received(pods, "pods")
        self._engine.add_pods(table)

    def set_object(self, text: str) -> None:
        """Add or replace an object of a kind that engines use.

        Raises:
            ManifestError: It is not a JSON object, or invalid.
            UsageError: No plugin reads objects of its kind, or it is a pod without a node.
        """
        item = _object(text, None)
        kind = item["kind"]
        if kind == "Node":
            self._engine.set_node(item)
        elif kind == "Pod":
            self._engine.add_pod(item)
        elif kind == "Namespace":
            self._engine.set_namespace(item)
        else:
            self._engine.set_object(item)

    def remove_object(self, kind: str, namespace: str | None, name: str) -> None:
        """Remove an object that :meth:`set_object` or a table added.

        Raises:
            NotFoundError: There is no such object.
        """
        if kind == "Node":
            self._engine.remove_node(name)
        elif kind == "Pod":
            self._engine.remove_pod(name, namespace or "default")
        else:
            self._engine.remove_object(kind, name, namespace or "default")

    def explain(self, pod: str) -> str:
        """Return :meth:`Explanation.to_dict` as JSON text."""
        item = _object(pod, "Pod")
        return json.dumps(self._engine.explain(item).to_dict(), ensure_ascii=False)

    def place(self, pods: ArrowStream) -> DecisionsHandle:
        """See :meth:`Engine.place`."""
        return DecisionsHandle(self._engine.place(_received(pods, "pods")))

    def nodes(self) -> pa.RecordBatchReader:
        """See :meth:`Engine.nodes`."""
        batch = self._engine.nodes()
        return pa.RecordBatchReader.from_batches(batch.schema, [batch])


class DecisionsHandle:
    """A ``kschedcore_decisions``: the decisions for the pods of a table.

    Args:
        table: A row a pod, with columns ``node`` and ``message``.
    """

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @cached_property
    def nodes(self) -> list[bytes | None]:
        """The rows' node names in UTF-8; C may keep pointers to them as long as this object exists."""
        return _encoded(self.table["node"])

    @cached_property
    def messages(self) -> list[bytes | None]:
        """The messages of rows without a node, likewise."""
        return _encoded(self.table["message"])


def _encoded(column: pa.ChunkedArray) -> list[bytes | None]:
    return [None if text is None else text.encode() for text in column.to_pylist()]


def _object(text: str, kind: str | None) -> dict[str, Any]:
    """Decode an object from JSON text; ``kind`` is its kind if the text has none."""
    try:
        item = msgspec.json.decode(text)
    except RecursionError:
        raise ManifestError("is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ManifestError(f"is not JSON: {error}") from None
    if not isinstance(item, dict):
        raise ManifestError(f"is {type(item).__name__}; expected an object")
    found = item.setdefault("kind", kind)
    if not isinstance(found, str) or found not in VIEWS or found != (kind or found):
        raise UsageError(f"kind is {repr(found)[:80]}; expected {kind or ', '.join(sorted(VIEWS))}")
    return item


def _received(stream: ArrowStream, what: str) -> pa.Table:
    """Read a whole table from outside Python and validate every value, since its memory is not trusted."""
    try:
        table = pa.RecordBatchReader.from_stream(stream).read_all()
        table.validate(full=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OSError) as error:
        raise UsageError(f"the table of {what} cannot be read: {error}") from None
    return table
