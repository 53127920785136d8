"""The grammar of expressions as a graph of places, for the predictions of :mod:`~kschedcore.cel.diagnosis`.

The rules are those of cel-spec's grammar, whose names the errors of a generated parser depend on. Left recursion is
written as loops.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple, TypeAlias

from kschedcore.cel.lexer import END

__all__ = [
    "CHAINS",
    "RULE_END",
    "Again",
    "Body",
    "Choice",
    "Frame",
    "Many",
    "Maybe",
    "Node",
    "Place",
    "Rule",
    "Some",
    "Tokens",
    "first",
    "rule_follow",
    "rule_start",
]

RULE_END: Final = ""
"""The end of a rule, among kinds of tokens."""


@dataclass(frozen=True, eq=False, slots=True)
class Tokens:
    """A token of one of some kinds."""

    kinds: frozenset[str]


@dataclass(frozen=True, eq=False, slots=True)
class Rule:
    """Another rule."""

    name: str


@dataclass(frozen=True, eq=False, slots=True)
class Choice:
    """One of several alternatives."""

    alternatives: tuple[Body, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Maybe:
    """An optional element."""

    body: Body


@dataclass(frozen=True, eq=False, slots=True)
class Many:
    """A loop of zero or more times."""

    body: Body


@dataclass(frozen=True, eq=False, slots=True)
class Some:
    """A loop of one or more times."""

    body: Body


@dataclass(frozen=True, eq=False, slots=True)
class Again:
    """The end of a loop that runs at least once."""

    body: Body


Element: TypeAlias = Tokens | Rule | Choice | Maybe | Many | Some | Again
Body: TypeAlias = tuple[Element, ...]


def _t(*kinds: str) -> Tokens:
    return Tokens(frozenset(kinds))


_EXPR: Final = Rule("expr")
_COMMA: Final = _t(",")
_MARK: Final = Maybe((_t("?"),))
_UNARY: Final = Rule("unary")
_PRODUCT: Final = (_t("*", "/", "%"), Rule("calc3"))

_GRAMMAR: Final[dict[str, Body]] = {
    "start": (_EXPR, _t(END)),
    "expr": (Rule("or"), Maybe((_t("?"), Rule("or"), _t(":"), _EXPR))),
    "or": (Rule("and"), Many((_t("||"), Rule("and")))),
    "and": (Rule("relation"), Many((_t("&&"), Rule("relation")))),
    "relation": (
        Rule("calc"),
        Many((_t("<", "<=", ">=", ">", "==", "!=", "in"), Rule("calc"))),
    ),
    # Left recursion with precedences, as loops of their own.
    "calc": (_UNARY, Many((Choice((_PRODUCT, (_t("+", "-"), Rule("calc2")))),))),
    "calc2": (_UNARY, Many(_PRODUCT)),
    "calc3": (_UNARY,),
    "unary": (
        Choice(
            (
                (Rule("member"),),
                (Some((_t("!"),)), Rule("member")),
                (Some((_t("-"),)), Rule("member")),
            )
        ),
    ),
    "member": (
        Rule("primary"),
        Many(
            (
                Choice(
                    (
                        (_t("."), _MARK, Rule("escaped")),
                        (_t("."), _t("IDENTIFIER"), _t("("), Maybe((Rule("arguments"),)), _t(")")),
                        (_t("["), _MARK, _EXPR, _t("]")),
                    )
                ),
            )
        ),
    ),
    "primary": (
        Choice(
            (
                (Maybe((_t("."),)), _t("IDENTIFIER")),
                (
                    Maybe((_t("."),)),
                    _t("IDENTIFIER"),
                    _t("("),
                    Maybe((Rule("arguments"),)),
                    _t(")"),
                ),
                (_t("("), _EXPR, _t(")")),
                (_t("["), Maybe((Rule("elements"),)), Maybe((_COMMA,)), _t("]")),
                (_t("{"), Maybe((Rule("entries"),)), Maybe((_COMMA,)), _t("}")),
                (
                    Maybe((_t("."),)),
                    _t("IDENTIFIER"),
                    Many((_t("."), _t("IDENTIFIER"))),
                    _t("{"),
                    Maybe((Rule("fields"),)),
                    Maybe((_COMMA,)),
                    _t("}"),
                ),
                (Rule("literal"),),
            )
        ),
    ),
    "arguments": (_EXPR, Many((_COMMA, _EXPR))),
    "elements": (Rule("element"), Many((_COMMA, Rule("element")))),
    "fields": (
        Rule("field"),
        _t(":"),
        _EXPR,
        Many((_COMMA, Rule("field"), _t(":"), _EXPR)),
    ),
    "field": (_MARK, Rule("escaped")),
    "entries": (
        Rule("element"),
        _t(":"),
        _EXPR,
        Many((_COMMA, Rule("element"), _t(":"), _EXPR)),
    ),
    "escaped": (Choice(((_t("IDENTIFIER"),), (_t("ESC_IDENTIFIER"),))),),
    "element": (_MARK, _EXPR),
    "literal": (
        Choice(
            (
                (Maybe((_t("-"),)), _t("NUM_INT")),
                (_t("NUM_UINT"),),
                (Maybe((_t("-"),)), _t("NUM_FLOAT")),
                *((_t(kind),) for kind in ("STRING", "BYTES", "true", "false", "null")),
            )
        ),
    ),
}


class Node(NamedTuple):
    """A place in a rule: the element that comes next, and the place behind it."""

    element: Element
    following: Node | None


Place: TypeAlias = "Node | None"


class Frame(NamedTuple):
    """The places that open rules go on at, innermost first."""

    place: Place
    outer: Frame | None


class _Chains:
    """Makes places; the same body before the same place is always the same place."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], tuple[Body, Place, Place]] = {}
        self._loops: dict[int, tuple[Some, Body]] = {}

    def chain(self, body: Body, following: Place) -> Place:
        """Return the place where a body starts that is followed by another place."""
        key = id(body), id(following)
        found = self._known.get(key)
        if found is None:
            place = following
            for element in reversed(body):
                place = Node(element, place)
            found = self._known[key] = body, following, place
        return found[2]

    def loop_end(self, some: Some, following: Place) -> Place:
        """Return the place at the end of a loop that runs at least once."""
        found = self._loops.get(id(some))
        if found is None:
            found = self._loops[id(some)] = some, (Again(some.body),)
        return self.chain(found[1], following)


CHAINS: Final = _Chains()


@cache
def rule_start(name: str) -> Place:
    """Return the place where a rule starts."""
    return CHAINS.chain(_GRAMMAR[name], None)


@cache
def _rule_first(name: str) -> frozenset[str]:
    return first(rule_start(name))


def first(place: Place) -> frozenset[str]:
    """Return the kinds of tokens that may come at a place; :data:`RULE_END` if the rule may end."""
    if place is None:
        return frozenset({RULE_END})
    element, following = place
    match element:
        case Tokens():
            return element.kinds
        case Rule():
            return _rule_first(element.name)
        case Choice():
            return frozenset().union(*(first(CHAINS.chain(each, following)) for each in element.alternatives))
        case Some():
            return first(CHAINS.chain(element.body, following))
        case Maybe() | Many() | Again():
            return first(CHAINS.chain(element.body, following)) | first(following)


@cache
def rule_follow(name: str) -> frozenset[str]:
    """Return the kinds of tokens that may come behind a rule anywhere."""
    found: set[str] = set()
    seen: set[str] = set()
    pending = [name]
    while pending:
        current = pending.pop()
        if current in seen:
            continue
        seen.add(current)
        for user, body in _GRAMMAR.items():
            for place in _uses(current, CHAINS.chain(body, None), set()):
                kinds = first(place)
                found |= kinds - {RULE_END}
                if RULE_END in kinds:
                    pending.append(user)
    return frozenset(found)


def _uses(name: str, place: Place, seen: set[int]) -> list[Place]:
    """Return the places behind the uses of a rule."""
    if place is None or id(place) in seen:
        return []
    seen.add(id(place))
    element, following = place
    found = _uses(name, following, seen)
    match element:
        case Rule():
            return [following, *found] if element.name == name else found
        case Choice():
            for each in element.alternatives:
                found += _uses(name, CHAINS.chain(each, following), seen)
        case Maybe():
            found += _uses(name, CHAINS.chain(element.body, following), seen)
        case Many() | Again():
            found += _uses(name, CHAINS.chain(element.body, place), seen)
        case Some():
            again = CHAINS.loop_end(element, following)
            found += _uses(name, CHAINS.chain(element.body, again), seen)
    return found
