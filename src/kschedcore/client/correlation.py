"""Aggregation and rate limiting of events: client-go's ``EventCorrelator`` (``tools/record/events_cache.go``).

Events that differ only in their message are aggregated once there are ten within ten minutes, and a component writes
a burst of 25 events per object and one every five minutes after that.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

__all__ = ["Correlator", "Recent"]

REMEMBERED = 4096
"""Maximum number of cache entries (``maxLruCacheEntries``)."""

_SIMILAR = 10
_SIMILAR_FOR = timedelta(seconds=600)
_BURST = 25
_REFILLED_EVERY = timedelta(seconds=300)
_COMBINED = "(combined from similar events): "

Value = TypeVar("Value")
Subject = tuple[str, str, str]
"""The object's uid, the event's type and its reason."""


class Recent(dict[tuple[str, ...], Value], Generic[Value]):
    """An LRU cache."""

    def renew(self, key: tuple[str, ...], value: Value) -> None:
        """Set ``key`` and mark it as most recently used."""
        self.pop(key, None)
        if len(self) >= REMEMBERED:
            del self[next(iter(self))]
        self[key] = value


@dataclass(slots=True)
class _Similar:
    messages: dict[str, None]
    last: datetime


@dataclass(slots=True)
class _Allowance:
    tokens: float
    counted: datetime


class Correlator:
    """Aggregates and rate-limits the events of one component."""

    def __init__(self) -> None:
        self._similar: Recent[_Similar] = Recent()
        self._allowances: Recent[_Allowance] = Recent()

    def combined(self, subject: Subject, message: str, now: datetime) -> tuple[tuple[str, ...], str]:
        """Return the key under which an event counts as a repetition, and its message (``EventAggregate``).

        Args:
            subject: The aggregation key.
            message: The event's own message.
            now: The time.
        """
        similar = self._similar.get(subject)
        if similar is None or now - similar.last > _SIMILAR_FOR:
            similar = _Similar({}, now)
        similar.messages[message] = None
        similar.last = now
        self._similar.renew(subject, similar)
        if len(similar.messages) < _SIMILAR:
            return (*subject, message), message
        similar.messages.popitem()
        return subject, _COMBINED + message

    def allows(self, uid: str, now: datetime) -> bool:
        """Return whether another event about an object may be written now (``EventSourceObjectSpamFilter``)."""
        allowance = self._allowances.get((uid,))
        if allowance is None:
            allowance = _Allowance(_BURST, now)
        gained = (now - allowance.counted) / _REFILLED_EVERY
        allowance.tokens, allowance.counted = min(_BURST, allowance.tokens + gained), now
        self._allowances.renew((uid,), allowance)
        if allowance.tokens < 1:
            return False
        allowance.tokens -= 1
        return True
