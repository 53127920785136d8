"""Options of lists and watches, decoded and validated as in the API server (``ValidateListOptions``)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kschedcore.api.machinery import field_errors as fe
from kschedcore.api.machinery.field_errors import FieldError
from kschedcore.api.machinery.status import StatusError, bad_request
from kschedcore.apiserver.options import integer, is_set, refuse
from kschedcore.client.transport import Query

__all__ = ["ListOptions", "WatchOptions", "list_options", "watch_options"]

_EXACT = "Exact"
_NOT_OLDER = "NotOlderThan"
_MATCHES = (_EXACT, _NOT_OLDER, "")
_UINT64 = 1 << 64


@dataclass(frozen=True, slots=True)
class ListOptions:
    """The options of a list.

    Attributes:
        limit: Maximum number of objects; 0 for all.
        token: The continue token; empty for the first page.
        version: The minimum version of the list, or the exact one with ``exact``; 0 for any.
        exact: Whether to read exactly that version.
    """

    limit: int
    token: str
    version: int
    exact: bool


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """The options of a watch.

    Attributes:
        version: The version to start after; 0 for the current one.
        initial: Whether the existing objects are sent first.
        bookmarks: Whether a bookmark follows them.
    """

    version: int
    initial: bool
    bookmarks: bool


_EVERYTHING = ListOptions(0, "", 0, exact=False)


def list_options(query: Query) -> ListOptions:
    """Decode the options of a list.

    Raises:
        StatusError: 422 for invalid combinations, 400 for invalid values.
    """
    if not query:
        return _EVERYTHING
    limit, token = max(integer(query.get("limit") or "0"), 0), query.get("continue", "")
    text, match = query.get("resourceVersion", ""), query.get("resourceVersionMatch", "")
    refuse(list(_list_errors(query, text, match, token)), "ListOptions")
    if token:
        return ListOptions(limit, token, 0, exact=True)
    try:
        version = _version(text)
    except ValueError as fault:
        raise bad_request(f"invalid resource version: {fault}") from None
    # A limited list always returns exactly the requested version.
    exact = match == _EXACT or (not match and limit > 0 and version > 0)
    return ListOptions(limit, "", version, exact)


def _list_errors(query: Query, version: str, match: str, token: str) -> Iterator[FieldError]:
    path = "resourceVersionMatch"
    if match:
        if not version:
            yield fe.forbidden(path, "resourceVersionMatch is forbidden unless resourceVersion is provided")
        if token:
            yield fe.forbidden(path, "resourceVersionMatch is forbidden when continue is provided")
        if match not in _MATCHES:
            yield fe.not_supported(path, match, _MATCHES)
        if match == _EXACT and version == "0":
            yield fe.forbidden(path, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"')
    if "sendInitialEvents" in query:
        yield fe.forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list")


def watch_options(query: Query) -> WatchOptions:
    """Decode the options of a watch.

    A watch from no version or from version 0 begins with the existing objects, unless ``sendInitialEvents`` is false.

    Raises:
        StatusError: 422 for invalid combinations, 500 for an invalid version.
    """
    text, match = query.get("resourceVersion", ""), query.get("resourceVersionMatch", "")
    refuse(list(_watch_errors(query, match)), "ListOptions")
    try:
        version = _version(text)
    except ValueError as fault:
        raise StatusError(500, "", str(fault)) from None
    explicit = "sendInitialEvents" in query
    initial = is_set(query, "sendInitialEvents") if explicit else version == 0 and not match
    return WatchOptions(version, initial, is_set(query, "allowWatchBookmarks"))


def _watch_errors(query: Query, match: str) -> Iterator[FieldError]:
    path, explicit = "resourceVersionMatch", "sendInitialEvents" in query
    if explicit and match != _NOT_OLDER:
        yield fe.forbidden(path, f"sendInitialEvents requires setting resourceVersionMatch to {_NOT_OLDER}")
    if match:
        if not explicit:
            why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
            yield fe.forbidden(path, why)
        if match != _NOT_OLDER:
            yield fe.not_supported(path, match, (_NOT_OLDER,))
        if query.get("continue"):
            yield fe.forbidden(path, "resourceVersionMatch is forbidden when continue is provided")


def _version(text: str) -> int:
    if not text:
        return 0
    if text.isascii() and text.isdecimal():
        version = int(text) if len(text) <= len(str(_UINT64)) else _UINT64
        if version < _UINT64:
            return version
        why = "value out of range"
    else:
        why = "invalid syntax"
    raise ValueError(f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": {why}')
