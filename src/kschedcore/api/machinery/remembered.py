"""What follows from frozen objects alone, found out once.

Pods come by the thousand from few templates, and each is written several times with the same spec. Frozen
parts are shared, so whether two of them are the same is a comparison of identities, and what a pure function
says of them need be found out only once. Everything that admission remembers is remembered here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from threading import Lock
from typing import Any, TypeVar, TypeVarTuple, cast, overload

import msgspec

from kschedcore.api.machinery.frozen import FrozenDict, FrozenList, Interner

__all__ = ["forget", "remembered", "shared", "shared_json"]

ANSWERS_REMEMBERED = 4096
"""How many answers each function keeps; those not asked for lately go first."""

_Ts = TypeVarTuple("_Ts")
_R = TypeVar("_R")
_PLAIN = frozenset({dict, list})
_encode = msgspec.json.Encoder().encode
_forgetting: list[Callable[[], None]] = []
_interner = Interner()
_interning = Lock()


def remembered(rule: Callable[[*_Ts], _R]) -> Callable[[*_Ts], _R]:
    """Let a pure function of frozen objects answer each question once.

    Frozen arguments are told apart by identity, at no cost however large they are; others, which must be
    hashable, by value. What the function raises is not remembered. Answers are shared, so they must not be
    changed.
    """
    ask = lru_cache(maxsize=ANSWERS_REMEMBERED)(rule)
    _forgetting.append(ask.cache_clear)
    return cast("Callable[[*_Ts], _R]", ask)


def forget() -> None:
    """Forget every answer, and which parts are shared: the next ones are found out anew."""
    for clear in _forgetting:
        clear()
    with _interning:
        _interner.forget()


@overload
def shared(value: Mapping[str, Any]) -> FrozenDict: ...
@overload
def shared(value: list[Any]) -> FrozenList: ...
def shared(value: Any) -> Any:
    """``value`` frozen, one object for all that read the same; what is frozen already stays as it is."""
    return shared_json(_encode(value)) if type(value) in _PLAIN else value


@remembered
def shared_json(encoded: bytes) -> Any:
    """What a JSON text says, as :func:`shared` has it."""
    with _interning:
        return _interner.part(msgspec.json.decode(encoded))
