"""CEL's grammar: from text to a tree of nodes."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(
    r"""
    (?P<skip>\s+|//[^\n]*)
  | (?P<float>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)
  | (?P<uint>(?:0x[0-9a-fA-F]+|\d+)[uU])
  | (?P<int>0x[0-9a-fA-F]+|\d+)
  | (?P<string>[rR]?(?:\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
  | (?P<name>[_a-zA-Z][_a-zA-Z0-9]*)
  | (?P<mark>&&|\|\||<=|>=|==|!=|[-+*/%!<>?:.,()\[\]{}])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "\\": "\\", "'": "'", '"': '"', "`": "`", "?": "?",
}  # fmt: skip
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))", re.DOTALL)
RELATIONS = ("<", "<=", ">=", ">", "==", "!=", "in")


class ExpressionSyntaxError(Exception):
    """The text is no CEL expression."""

    def __init__(self, at: int, message: str) -> None:
        super().__init__(message)
        self.at = at


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    at: int


@dataclass(frozen=True)
class Node:
    """`kind` says what the other fields mean; `at` is the place in the text."""

    kind: str
    at: int
    name: str = ""
    value: Any = None
    parts: tuple["Node", ...] = ()
    target: "Node | None" = None


def tokens(text: str) -> list[Token]:
    found, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ExpressionSyntaxError(at, f"Syntax error: token recognition error at: '{text[at]}'")
        kind = str(match.lastgroup)
        if kind != "skip":
            found.append(Token(kind, match.group(), at))
        at = match.end()
    return [*found, Token("end", "<EOF>", len(text))]


def unquoted(literal: str) -> str:
    raw = literal[0] in "rR"
    body = literal[1:] if raw else literal
    width = 3 if body[:3] in ('"""', "'''") else 1
    inner = body[width:-width]
    return inner if raw else _ESCAPE.sub(_escaped, inner)


def _escaped(match: re.Match[str]) -> str:
    code, short, long, octal, single = match.groups()
    if single is not None:
        return _ESCAPES.get(single, single)
    return chr(int(octal, 8) if octal else int(code or short or long, 16))


class Parser:
    """Recursive descent, one method for each level of precedence."""

    def __init__(self, text: str) -> None:
        self.tokens = tokens(text)
        self.place = 0

    def parse(self) -> Node:
        tree = self._expression()
        if self._now.kind != "end":
            raise self._unexpected()
        return tree

    @property
    def _now(self) -> Token:
        return self.tokens[self.place]

    def _unexpected(self) -> ExpressionSyntaxError:
        return ExpressionSyntaxError(self._now.at, f"Syntax error: mismatched input '{self._now.text}'")

    def _is(self, *texts: str) -> bool:
        return self._now.kind in ("mark", "name") and self._now.text in texts

    def _take(self, *texts: str) -> Token | None:
        if not self._is(*texts):
            return None
        self.place += 1
        return self.tokens[self.place - 1]

    def _need(self, text: str) -> Token:
        token = self._take(text)
        if token is None:
            raise self._unexpected()
        return token

    def _name(self) -> Token:
        if self._now.kind != "name":
            raise self._unexpected()
        self.place += 1
        return self.tokens[self.place - 1]

    def _expression(self) -> Node:
        condition = self._binary(self._and, "||")
        mark = self._take("?")
        if mark is None:
            return condition
        yes = self._binary(self._and, "||")
        self._need(":")
        return Node("conditional", mark.at, parts=(condition, yes, self._expression()))

    def _binary(self, lower: Callable[[], Node], *operators: str) -> Node:
        left = lower()
        while token := self._take(*operators):
            left = Node("operator", token.at, token.text, parts=(left, lower()))
        return left

    def _and(self) -> Node:
        return self._binary(self._relation, "&&")

    def _relation(self) -> Node:
        return self._binary(self._sum, *RELATIONS)

    def _sum(self) -> Node:
        return self._binary(self._product, "+", "-")

    def _product(self) -> Node:
        return self._binary(self._unary, "*", "/", "%")

    def _unary(self) -> Node:
        token = self._take("!", "-")
        if token is None:
            return self._member()
        operand = self._unary()
        if token.text == "-" and operand.kind == "literal" and type(operand.value) in (int, float):
            return Node("literal", token.at, value=-operand.value)
        return Node("operator", token.at, "!_" if token.text == "!" else "-_", parts=(operand,))

    def _member(self) -> Node:
        node = self._primary()
        while True:
            if dot := self._take("."):
                optional = self._take("?") is not None
                name = self._name().text
                if not optional and (opening := self._take("(")):
                    node = Node("call", opening.at, name, parts=self._list(")"), target=node)
                else:
                    node = Node("optional select" if optional else "select", dot.at, name, target=node)
            elif bracket := self._take("["):
                kind = "optional index" if self._take("?") else "index"
                node = Node(kind, bracket.at, parts=(self._expression(),), target=node)
                self._need("]")
            else:
                return node

    def _list(self, closing: str) -> tuple[Node, ...]:
        found: list[Node] = []
        while not self._take(closing):
            if found:
                self._need(",")
                if self._take(closing):
                    break
            found.append(self._expression())
        return tuple(found)

    def _map(self) -> tuple[Node, ...]:
        found: list[Node] = []
        while not self._take("}"):
            if found:
                self._need(",")
                if self._take("}"):
                    break
            key = self._expression()
            self._need(":")
            found += [key, self._expression()]
        return tuple(found)

    def _primary(self) -> Node:
        token = self._now
        self.place += 1
        literals: dict[str, Callable[[str], Any]] = {
            "float": float,
            "int": lambda text: int(text, 0),
            "uint": lambda text: int(text[:-1], 0),
            "string": unquoted,
        }
        if token.kind in literals:
            return Node("literal", token.at, value=literals[token.kind](token.text))
        if token.kind == "name":
            return self._named(token)
        if token.text == "(":
            inner = self._expression()
            self._need(")")
            return inner
        if token.text == "[":
            return Node("list", token.at, parts=self._list("]"))
        if token.text == "{":
            return Node("map", token.at, parts=self._map())
        self.place -= 1
        raise self._unexpected()

    def _named(self, token: Token) -> Node:
        constants = {"true": True, "false": False, "null": None}
        if token.text in constants:
            return Node("literal", token.at, value=constants[token.text])
        if opening := self._take("("):
            return Node("call", opening.at, token.text, parts=self._list(")"))
        return Node("name", token.at, token.text)


def parse(text: str) -> Node:
    """The tree of an expression.

    Raises ExpressionSyntaxError.
    """
    return Parser(text).parse()
