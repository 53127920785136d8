"""The objects in documents: lists are flattened, every object has its kind, namespace and name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kschedcore.api.labels import is_dns1123_label, is_path_segment_name
from kschedcore.api.machinery.kinds import is_cluster_scoped
from kschedcore.api.machinery.types import CLUSTER_SCOPE, Namespace
from kschedcore.api.objects.decoding import shown
from kschedcore.errors import ManifestError
from kschedcore.manifests.loading import Document

__all__ = ["Whole", "objects_in"]

Steps = tuple[str | int, ...]

_NAMELESS: Final = ".config.k8s.io"
"""Suffix of the API groups of component configurations, which are not objects of a cluster."""

_STEP = re.compile(r"\[(\d+)\]|\[([^\]]*)\]|([^.\[\]]+)")
_STUCK_DASH = re.compile(r"-[A-Za-z]")


@dataclass(frozen=True, slots=True)
class Whole:
    """An object of a manifest.

    Attributes:
        kind: The kind; with the group for custom kinds, ``Service.serving.knative.dev``.
        namespace: The namespace; empty for cluster-scoped kinds.
        name: The name.
        data: The object, with its namespace filled in.
        document: The document.
        steps: The path from the document's root, for an object in a list.
    """

    kind: str
    namespace: Namespace
    name: str
    data: Mapping[str, Any]
    document: Document
    steps: Steps = ()

    @property
    def subject(self) -> str:
        """The object in messages: kind, namespace and name."""
        name = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {name}".rstrip()

    @property
    def place(self) -> str:
        """The place of the object, for a message about another one."""
        return f"{self.document.source} document {self.document.number}"

    def located(self, error: ManifestError) -> ManifestError:
        """Return the error with the position of this object; unchanged if it has a position already."""
        if error.source is not None:
            return error
        steps = _steps(error.path or "")
        problem = ManifestError(error.problem + _dash_hint(self.data, steps), path=error.path)
        return _located(problem, self.document, (*self.steps, *steps), self.subject)


def objects_in(document: Document, namespace: str) -> Iterator[Whole]:
    """Yield the objects of a document; lists of any kind are flattened.

    Args:
        document: The document.
        namespace: The namespace of objects that name none.

    Raises:
        ManifestError: An item is not an object, or lacks apiVersion, kind or name.
    """
    for steps, data in _flattened(document, document.data, ()):
        yield _whole(document, steps, data, namespace)


def _flattened(document: Document, data: Any, steps: Steps) -> Iterator[tuple[Steps, Mapping[str, Any]]]:
    if not isinstance(data, Mapping):
        # Text is not shown: it may be that of a file with a key or a token.
        found = "a string" if isinstance(data, str) else shown(data)
        problem = f"found {found}, expected an object with apiVersion, kind and metadata"
        raise _located(ManifestError(problem, path=_path(steps) or None), document, steps)
    if not _is_list(data):
        yield steps, data
        return
    items = data.get("items")
    if not isinstance(items, list) and not (items is None and "items" in data):
        problem = (
            "is missing; expected a list of objects"
            if items is None
            else f"found {shown(items)}, expected a list"
        )
        error = ManifestError(problem, path=_path((*steps, "items")))
        raise _located(error, document, (*steps, "items"), data["kind"])
    common = _list_type(data)
    for index, item in enumerate(items or ()):
        if common and isinstance(item, dict) and not item.keys() >= common.keys():
            item = {**common, **item}
        yield from _flattened(document, item, (*steps, "items", index))


def _is_list(data: Mapping[str, Any]) -> bool:
    kind = data.get("kind")
    return isinstance(kind, str) and kind.endswith("List") and ("items" in data or kind == "List")


def _list_type(data: Mapping[str, Any]) -> dict[str, str]:
    """Return the apiVersion and kind of the items of a ``PodList``; nothing for ``List``."""
    kind = str(data["kind"]).removesuffix("List")
    version = data.get("apiVersion")
    return {"apiVersion": version, "kind": kind} if kind and isinstance(version, str) else {}


def _whole(document: Document, steps: Steps, data: Mapping[str, Any], namespace: str) -> Whole:
    version, kind = (_type_field(document, steps, data, field) for field in ("apiVersion", "kind"))
    group = version.rpartition("/")[0]
    if "." in group and not group.endswith(".k8s.io"):
        kind = f"{kind}.{group}"
    if group.endswith(_NAMELESS):
        return Whole(kind, CLUSTER_SCOPE, "", data, document, steps)
    metadata = data.get("metadata")
    name = _name(document, steps, kind, metadata)
    if is_cluster_scoped(kind):
        return Whole(kind, CLUSTER_SCOPE, name, data, document, steps)
    assert isinstance(metadata, Mapping), "it has a name"
    own = _namespace(document, steps, kind, metadata)
    if own is None:
        data = {**data, "metadata": {**metadata, "namespace": namespace}}
    return Whole(kind, Namespace(own or namespace), name, data, document, steps)


def _type_field(document: Document, steps: Steps, data: Mapping[str, Any], field: str) -> str:
    value = data.get(field)
    if isinstance(value, str) and value:
        return value
    if value is not None:
        problem, at = f"found {shown(value)}, expected a name", field
    else:
        meant = next((key for key in data if key != field and _plain(key) == field.lower()), None)
        hint = f"; did you mean {field!r} where it says {meant!r}?" if meant else ""
        problem, at = f"is missing{hint}", meant or field
    kind = data.get("kind")
    subject = kind if isinstance(kind, str) and field != "kind" else None
    error = ManifestError(problem, path=_path((*steps, field)))
    raise _located(error, document, (*steps, at), subject)


def _plain(key: object) -> str:
    """Return a mapping's key as a string; only objects in memory have other keys."""
    return str(key).strip().lower()


def _name(document: Document, steps: Steps, kind: str, metadata: Any) -> str:
    if metadata is not None and not isinstance(metadata, Mapping):
        raise _in_metadata(document, steps, kind, (), f"found {shown(metadata)}, expected an object")
    name = (metadata or {}).get("name")
    if name is None or name == "":
        generated = (
            "; generateName is for the API server alone" if (metadata or {}).get("generateName") else ""
        )
        raise _in_metadata(document, steps, kind, ("name",), f"is missing; expected a name{generated}")
    problems = is_path_segment_name(name) if isinstance(name, str) else ("a name is a string",)
    if problems:
        raise _in_metadata(
            document, steps, kind, ("name",), f"found {shown(name)}, expected a name: {'; '.join(problems)}"
        )
    return str(name)


def _namespace(document: Document, steps: Steps, kind: str, metadata: Mapping[str, Any]) -> str | None:
    namespace = metadata.get("namespace")
    if namespace is None or namespace == "":
        return None
    problems = is_dns1123_label(namespace) if isinstance(namespace, str) else ("a namespace is a string",)
    if problems:
        problem = f"found {shown(namespace)}, expected a namespace: {'; '.join(problems)}"
        raise _in_metadata(document, steps, kind, ("namespace",), problem)
    return str(namespace)


def _in_metadata(document: Document, steps: Steps, kind: str, field: Steps, problem: str) -> ManifestError:
    at = (*steps, "metadata", *field)
    return _located(ManifestError(problem, path=_path(at)), document, at, kind)


def _located(
    error: ManifestError, document: Document, steps: Sequence[str | int], subject: str | None = None
) -> ManifestError:
    return error.located(
        source=document.source, document=document.number, line=document.line_of(list(steps)), subject=subject
    )


def _path(steps: Sequence[str | int]) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return text.removeprefix(".")


def _steps(path: str) -> Steps:
    return tuple(int(index) if index else key or field for index, key, field in _STEP.findall(path))


def _dash_hint(data: Any, steps: Sequence[str | int]) -> str:
    """Return a hint if the invalid value is a mapping with a key such as ``-name``."""
    for step in steps:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return ""
    keys = data if isinstance(data, Mapping) else ()
    stuck = next((key for key in keys if _STUCK_DASH.match(str(key))), None)
    return f"; is the space after the dash of {stuck!r} missing?" if stuck else ""
