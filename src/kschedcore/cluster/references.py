"""References as in kubectl: ``deployment/web``, ``deploy/web``, ``deployment.v1.apps/web``, ``pods``."""

from __future__ import annotations

from functools import cache

from kschedcore.api import arguments
from kschedcore.api.machinery.kinds import KINDS, Kind
from kschedcore.errors import NotFoundError, UsageError

__all__ = ["display_name", "kind_named", "reference"]


def kind_named(text: str) -> Kind:
    """Return a kind by its plural, singular, kind or short name, alone or with version and group.

    Raises:
        NotFoundError: There is none.
        UsageError: It is no string.
    """
    return _kind_named(arguments.text("kind", text))


@cache
def _kind_named(text: str) -> Kind:
    wanted = text.lower()
    for kind in KINDS:
        if wanted in _names(kind):
            return kind
    raise NotFoundError(f'the server doesn\'t have a resource type "{text}"')


def _names(kind: Kind) -> set[str]:
    resource = kind.resource
    names = {resource.plural, kind.singular, *kind.short_names}
    groups = (
        [resource.group, f"{resource.version}.{resource.group}"] if resource.group else [resource.version]
    )
    return names | {f"{name}.{group}" for name in names for group in groups}


def reference(text: str, default: str = "") -> tuple[Kind, str]:
    """Parse ``kind/name``.

    Args:
        text: ``deployment/web``, or a name if there is a ``default`` kind.
        default: The kind of a bare name.

    Raises:
        UsageError: It is not a reference.
        NotFoundError: There is no such kind.
    """
    kind, slash, name = arguments.text("ref", text).partition("/")
    if text and not slash and default:
        return kind_named(default), text
    if not (kind and name) or "/" in name:
        raise UsageError(f"{text!r} names no object; expected KIND/NAME, as in deployment/web")
    return kind_named(kind), name


def display_name(kind: Kind, name: str) -> str:
    """Return an object's name as kubectl prints it: ``deployment.apps/web``, ``pod/web-0``."""
    group = f".{kind.resource.group}" if kind.resource.group else ""
    return f"{kind.singular}{group}/{name}"
