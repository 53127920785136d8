"""Fields that a kind does not have, and what may have been meant: the API's ``fieldValidation``."""

from __future__ import annotations

import difflib
import enum
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from kschedcore.api.schema import Field, ObjectType, schema_for
from kschedcore.api.schema.decode import DecodeError
from kschedcore.errors import ManifestError
from kschedcore.manifests.creating import exists
from kschedcore.manifests.documents import Whole, objects_in
from kschedcore.manifests.loading import Document
from kschedcore.manifests.units import suspicious_units
from kschedcore.rules.reading import decoder_of

__all__ = ["FieldValidation", "check_documents", "refuse_fields", "unknown_fields"]


class FieldValidation(enum.StrEnum):
    """The treatment of unknown fields in objects that are created; objects that exist are never checked."""

    strict = "strict"
    """They are an error, as kubectl's default has it."""
    warn = "warn"
    """They are a warning, as the API server's default has it."""
    ignore = "ignore"


_STEP: Final = re.compile(r"[^.\[\]]+|\[\d+\]")

_DEPTH: Final = 4
"""The number of levels below its place at which a field is searched."""


def unknown_fields(data: Mapping[str, Any], paths: Sequence[str]) -> list[str]:
    """Return a message for each unknown field of an object, with the field that may have been meant.

    Args:
        data: The object, with apiVersion and kind.
        paths: The paths of the unknown fields, ``spec.containers[0].nmae``.
    """
    schema = schema_for(str(data.get("apiVersion")), str(data.get("kind")))
    return [f'unknown field "{path}"{_meant(schema, path)}' for path in paths]


def refuse_fields(whole: Whole, paths: Sequence[str]) -> ManifestError:
    """Return the error for an object with unknown fields, located at the first of them."""
    problem = "; ".join(unknown_fields(whole.data, paths))
    at = whole.located(ManifestError(problem, path=paths[0]))
    return ManifestError(problem, source=at.source, document=at.document, line=at.line, subject=at.subject)


def check_documents(documents: Sequence[Document], validation: FieldValidation) -> list[str]:
    """Check the fields and the units of the objects of documents that are to be created.

    Returns:
        Warnings, each with its place.

    Raises:
        ManifestError: A field does not exist, and ``validation`` is strict; or a document holds no object.
    """
    warnings: list[str] = []
    for whole in _created(documents):
        where = f"{whole.document.source}: {whole.kind} {whole.name}"
        warnings += [f"{where}: {warning}" for warning in suspicious_units(whole.data)]
        if validation is FieldValidation.ignore:
            continue
        schema = schema_for(str(whole.data["apiVersion"]), str(whole.data["kind"]))
        if schema is None:
            continue
        try:
            _, paths = decoder_of(schema.name, templated=whole.kind == "Pod")(whole.data)
        except DecodeError:  # whoever creates the object reports it
            continue
        if paths and validation is FieldValidation.strict:
            raise refuse_fields(whole, paths)
        warnings += [f"{where}: {message}" for message in unknown_fields(whole.data, paths)]
    return warnings


def _created(documents: Sequence[Document]) -> Iterator[Whole]:
    for document in documents:
        yield from (whole for whole in objects_in(document, "default") if not exists(whole.data))


def _meant(schema: ObjectType | None, path: str) -> str:
    """Return a suggestion: a field of a similar name in the same place, or of the same name further below."""
    steps = _STEP.findall(path)
    place = _type_at(schema, steps[:-1])
    if place is None or not steps:
        return ""
    name = steps[-1]
    below = next(_below(place, name, _DEPTH), "")
    if below:
        return f", did you mean {path.removesuffix(name)}{below}?"
    by_lower = {each.lower(): each for each in place.fields}
    close = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.7)
    return f", did you mean {by_lower[close[0]]}?" if close else ""


def _type_at(schema: ObjectType | None, steps: Sequence[str]) -> ObjectType | None:
    """Return the type of the object at the end of a path; None where it is not known."""
    field: Field | None = None
    for step in steps:
        if step.startswith("["):
            field = field.items if field is not None else None
        elif field is not None and field.type == "map":
            field = field.items
        else:
            schema = field.object if field is not None and field.type == "object" else schema
            field = schema.fields.get(step) if schema is not None else None
        if field is None:
            return None
    return schema if field is None else field.object if field.type == "object" else None


def _below(place: ObjectType, name: str, depth: int) -> Iterator[str]:
    """Yield the paths at which objects below a type have a field of this name, the nearest first."""
    level = [("", place)]
    for _ in range(depth):
        deeper: list[tuple[str, ObjectType]] = []
        for path, kind in level:
            for each, field in kind.fields.items():
                if field.type == "object" and each not in ("metadata", "status"):
                    below = field.object
                    if name in below.fields:
                        yield f"{path}{each}.{name}"
                    deeper.append((f"{path}{each}.", below))
        level = deeper
