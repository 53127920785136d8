"""Error messages for invalid syntax.

Kubernetes shows the errors of cel-go's parser, which ANTLR generates. This module walks the same grammar the way
that a generated parser does: it predicts alternatives by looking ahead, drops or makes up a single token where that
helps, and else skips to a token that some open rule may go on with. It builds nothing; :mod:`kschedcore.cel.parser`
parses what is right.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from kschedcore.cel.errors import Issue
from kschedcore.cel.grammar import (
    CHAINS,
    RULE_END,
    Again,
    Body,
    Choice,
    Frame,
    Many,
    Maybe,
    Node,
    Place,
    Rule,
    Some,
    Tokens,
    first,
    rule_follow,
    rule_start,
)
from kschedcore.cel.lexer import END, Token

__all__ = ["diagnose"]

_MAX_ERRORS: Final = 30
_MAX_STEPS: Final = 20_000
_ORDER: Final = (
    *(END, "==", "!=", "in", "<", "<=", ">=", ">", "&&", "||", "[", "]", "{", "}", "(", ")", ".", ",", "-"),
    *("!", "?", ":", "+", "*", "/", "%", "true", "false", "null", "NUM_FLOAT", "NUM_INT", "NUM_UINT"),
    *("STRING", "BYTES", "IDENTIFIER", "ESC_IDENTIFIER"),
)
_RANK: Final = {kind: rank for rank, kind in enumerate(_ORDER)}


class _MismatchError(Exception):
    """An unexpected token."""


class _NoAlternativeError(_MismatchError):
    """No alternative goes on with the tokens.

    Attributes:
        start: The index of the token where the alternatives start.
        end: The index of the token that ends the last one.
    """

    def __init__(self, start: int, end: int) -> None:
        self.start = start
        self.end = end
        super().__init__()


class _GivenUpError(Exception):
    """There are too many errors to go on."""


class _Config(NamedTuple):
    alternative: int
    place: Node
    frame: Frame | None
    is_outside: bool


def diagnose(tokens: Sequence[Token], text: str) -> list[Issue]:
    """Return the errors of tokens; none if they are an expression.

    Args:
        tokens: The tokens with :data:`~kschedcore.cel.lexer.END` last.
        text: The expression that they are of.
    """
    walk = _Walk(tokens, text)
    with suppress(_GivenUpError):
        walk.rule("start")
    return walk.issues


class _Walk:
    def __init__(self, tokens: Sequence[Token], text: str) -> None:
        self.issues: list[Issue] = []
        self._tokens = tokens
        self._text = text
        self._index = 0
        self._frame: Frame | None = None
        self._rules = ["start"]
        self._recovering = False
        self._last_error = -1
        self._last_places: set[int] = set()
        self._place: Place = None
        self._steps = 0

    @property
    def _kind(self) -> str:
        return self._tokens[self._index].kind

    def _ahead(self, count: int) -> str:
        return self._tokens[min(self._index + count, len(self._tokens) - 1)].kind

    def _consume(self) -> None:
        if self._index + 1 < len(self._tokens):
            self._index += 1

    # Rules

    def rule(self, name: str) -> None:
        """Walk a rule; report errors and continue after it."""
        start = self._index
        try:
            self._walk(rule_start(name))
        except _MismatchError as error:
            self._report(error)
            if name == "escaped":
                self.issues.append(Issue(self._tokens[start].offset, "unsupported ident kind"))
            self._recover()

    def _walk(self, place: Place) -> None:
        while place is not None:
            self._steps += 1
            if self._steps > _MAX_STEPS:
                raise _GivenUpError
            self._place = place
            element, following = place
            match element:
                case Tokens():
                    self._match(place)
                    place = following
                case Rule():
                    self._frame = Frame(following, self._frame)
                    self._rules.append(element.name)
                    self.rule(element.name)
                    self._rules.pop()
                    self._frame = self._frame.outer
                    place = following
                case Choice():
                    place = self._choose(place, element)
                case Maybe():
                    self._sync(place)
                    place = self._enter(element.body, following, following)
                case Many():
                    self._sync(place)
                    place = self._enter(element.body, place, following)
                case Some():
                    self._sync(place)
                    again = CHAINS.loop_end(element, following)
                    place = CHAINS.chain(element.body, again)
                case Again():
                    self._sync_again(place)
                    place = self._enter(element.body, place, following)

    def _choose(self, place: Node, choice: Choice) -> Place:
        self._sync(place)
        places = [CHAINS.chain(each, place.following) for each in choice.alternatives]
        return places[self._predict(places)]

    def _enter(self, body: Body, after_body: Place, following: Place) -> Place:
        """Return the place in an optional body or behind it."""
        inside = CHAINS.chain(body, after_body)
        firsts, behind = first(inside), first(following)
        if RULE_END in behind:
            behind = (behind - {RULE_END}) | rule_follow(self._rules[-1])
        if not firsts & behind:
            return inside if self._kind in firsts else following
        return (inside, following)[self._predict([inside, following])]

    # Prediction

    def _predict(self, places: list[Place]) -> int:
        configs = self._closed(
            (alternative, place, self._frame, False) for alternative, place in enumerate(places)
        )
        index = self._index
        while True:
            kind = self._tokens[index].kind
            moved = [each for each in configs if kind in _kinds(each.place)]
            if not moved:
                outside = [each.alternative for each in configs if each.is_outside]
                if outside:
                    return min(outside)
                raise _NoAlternativeError(self._index, index)
            alternatives = {each.alternative for each in moved}
            if len(alternatives) == 1 or index + 1 >= len(self._tokens) or _is_ambiguous(moved):
                return min(alternatives)
            configs = self._closed(
                (each.alternative, each.place.following, each.frame, each.is_outside) for each in moved
            )
            index += 1

    def _closed(self, starts: Iterable[tuple[int, Place, Frame | None, bool]]) -> list[_Config]:
        """Return the configurations that wait for a token."""
        found: list[_Config] = []
        seen: set[tuple[int, int, int, bool]] = set()
        pending = list(starts)
        # The frames stay alive, so that their identities stay theirs.
        frames: list[Frame] = []
        depth = _depth(self._frame)
        while pending:
            self._steps += 1
            if self._steps > _MAX_STEPS:
                raise _GivenUpError
            alternative, place, frame, is_outside = pending.pop()
            key = alternative, id(place), id(frame), is_outside
            if key in seen:
                continue
            seen.add(key)
            if place is None:
                if frame is not None:
                    left = is_outside or _depth(frame) <= depth
                    pending.append((alternative, frame.place, frame.outer, left))
                continue
            element, following = place
            match element:
                case Tokens():
                    found.append(_Config(alternative, place, frame, is_outside))
                case Rule():
                    inner = Frame(following, frame)
                    frames.append(inner)
                    pending.append((alternative, rule_start(element.name), inner, is_outside))
                case Choice():
                    pending.extend(
                        (alternative, CHAINS.chain(each, following), frame, is_outside)
                        for each in element.alternatives
                    )
                case Maybe():
                    inside = CHAINS.chain(element.body, following)
                    pending += [(alternative, each, frame, is_outside) for each in (inside, following)]
                case Many() | Again():
                    inside = CHAINS.chain(element.body, place)
                    pending += [(alternative, each, frame, is_outside) for each in (inside, following)]
                case Some():
                    again = CHAINS.loop_end(element, following)
                    pending.append((alternative, CHAINS.chain(element.body, again), frame, is_outside))
        return found

    # Errors, as ANTLR's default strategy treats them

    def _expected(self, place: Place) -> frozenset[str]:
        """Return the kinds of tokens that may come at a place, given the open rules."""
        found = first(place)
        frame = self._frame
        while RULE_END in found and frame is not None:
            found = (found - {RULE_END}) | first(frame.place)
            frame = frame.outer
        return (found - {RULE_END}) | ({END} if RULE_END in found else set())

    def _match(self, place: Node) -> None:
        if self._kind in _kinds(place):
            self._recovering = False
            self._consume()
            return
        if self._delete(place):
            self._consume()
            return
        if self._kind in self._expected(place.following):
            if not self._recovering:
                self._recovering = True
                self._problem(f"missing {_shown_set(self._expected(place))} at {self._shown_token()}")
            return
        raise _MismatchError

    def _delete(self, place: Place) -> bool:
        """Drop a token if the one behind it fits."""
        if self._ahead(1) not in self._expected(place):
            return False
        self._report_unwanted(place)
        self._consume()
        self._recovering = False
        return True

    def _report_unwanted(self, place: Place) -> None:
        if not self._recovering:
            self._recovering = True
            expected = _shown_set(self._expected(place))
            self._problem(f"extraneous input {self._shown_token()} expecting {expected}")

    def _sync(self, place: Place) -> None:
        firsts = first(place)
        if self._recovering or RULE_END in firsts or self._kind in firsts:
            return
        if not self._delete(place):
            raise _MismatchError

    def _sync_again(self, place: Place) -> None:
        firsts = first(place)
        if self._recovering or RULE_END in firsts or self._kind in firsts:
            return
        self._report_unwanted(place)
        self._skip(self._expected(place) | self._recovery_set())

    def _recovery_set(self) -> frozenset[str]:
        found: set[str] = set()
        frame = self._frame
        while frame is not None:
            found |= first(frame.place)
            frame = frame.outer
        return frozenset(found - {RULE_END})

    def _skip(self, kinds: frozenset[str]) -> None:
        while self._kind != END and self._kind not in kinds:
            self._consume()

    def _recover(self) -> None:
        if self._last_error == self._index and id(self._place) in self._last_places:
            self._consume()
        if self._last_error != self._index:
            self._last_places = set()
        self._last_error = self._index
        self._last_places.add(id(self._place))
        self._skip(self._recovery_set())

    def _report(self, error: _MismatchError) -> None:
        if self._recovering:
            return
        self._recovering = True
        if isinstance(error, _NoAlternativeError):
            self._report_no_alternative(error)
            return
        expected = _shown_set(self._expected(self._place))
        self._problem(f"mismatched input {self._shown_token()} expecting {expected}")

    def _report_no_alternative(self, error: _NoAlternativeError) -> None:
        start, end = self._tokens[error.start], self._tokens[error.end]
        if start.kind == END:
            piece = END
        else:
            piece = self._text[start.offset : end.offset + (0 if end.kind == END else len(end.text))]
        message = f"no viable alternative at input {_quoted(piece)}"
        keyword = re.fullmatch("no viable alternative at input '.(true|false|null)'", message)
        if keyword is not None:
            message = f"mismatched input '{keyword[1]}' expecting IDENTIFIER"
        self._problem(message, end)

    def _problem(self, message: str, token: Token | None = None) -> None:
        if len(self.issues) >= _MAX_ERRORS:
            raise _GivenUpError
        place = self._tokens[self._index] if token is None else token
        self.issues.append(Issue(place.offset, f"Syntax error: {message}"))

    def _shown_token(self) -> str:
        return _quoted(self._tokens[self._index].text)


def _kinds(place: Node) -> frozenset[str]:
    return place.element.kinds if isinstance(place.element, Tokens) else frozenset()


def _depth(frame: Frame | None) -> int:
    depth = 0
    while frame is not None:
        depth += 1
        frame = frame.outer
    return depth


def _is_ambiguous(configs: list[_Config]) -> bool:
    """Return whether all alternatives continue alike, so that more tokens cannot distinguish them."""
    ways: dict[int, set[tuple[int, int]]] = {}
    for each in configs:
        ways.setdefault(each.alternative, set()).add((id(each.place), _identity(each.frame)))
    firsts, *others = ways.values()
    return all(each == firsts for each in others)


def _identity(frame: Frame | None) -> int:
    found: list[int] = []
    while frame is not None:
        found.append(id(frame.place))
        frame = frame.outer
    return hash(tuple(found))


def _quoted(text: str) -> str:
    escaped = text.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    return f"'{escaped}'"


def _shown_set(kinds: frozenset[str]) -> str:
    names = [
        kind if kind.isupper() or kind == END else f"'{kind}'"
        for kind in sorted(kinds, key=lambda kind: _RANK[kind])
    ]
    return names[0] if len(names) == 1 else f"{{{', '.join(names)}}}"
