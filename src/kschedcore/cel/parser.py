"""Parse an expression into nodes (cel-spec's grammar), expanding macros on the way.

The parser stops at the first invalid token; :mod:`kschedcore.cel.diagnosis` then generates the messages of the
errors. Positions of nodes are those of cel-go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from kschedcore.cel import operators
from kschedcore.cel.ast import (
    Call,
    Entry,
    Field,
    Ident,
    ListExpr,
    Literal,
    MapExpr,
    Node,
    Select,
    StructExpr,
    children,
)
from kschedcore.cel.diagnosis import diagnose
from kschedcore.cel.errors import Issue
from kschedcore.cel.lexer import END, Token, tokenize
from kschedcore.cel.literals import unquoted
from kschedcore.cel.macros import Macro, MacroError
from kschedcore.cel.source import Source
from kschedcore.cel.values import UInt

__all__ = ["MAX_DEPTH", "MAX_LENGTH", "Macros", "parse"]

MAX_LENGTH: Final = 100_000
"""Maximum length of an expression, in code points."""
MAX_DEPTH: Final = 250
"""Maximum depth of expressions, and of operators and selections."""

_RESERVED: Final = frozenset(
    {
        "as",
        "break",
        "const",
        "continue",
        "else",
        "false",
        "for",
        "function",
        "if",
        "import",
        "in",
        "let",
        "loop",
        "package",
        "namespace",
        "null",
        "return",
        "true",
        "var",
        "void",
        "while",
    }
)
_RELATIONS: Final = frozenset({"==", "!=", "<", "<=", ">", ">=", "in"})
_SUMS: Final = frozenset({"+", "-"})
_PRODUCTS: Final = frozenset({"*", "/", "%"})
_MAX_INT64: Final = 2**63 - 1
_CONSTANTS: Final = {"true": True, "false": False, "null": None}


class Macros:
    """The macros of an environment, found by name, number of arguments and style of the call."""

    __slots__ = ("_found",)

    def __init__(self, macros: Iterable[Macro]) -> None:
        self._found = {(each.name, each.arity, each.method): each for each in macros}

    def find(self, name: str, arity: int, *, method: bool) -> Macro | None:
        """Return the macro of a call, if it is one."""
        return self._found.get((name, arity, method))


def parse(source: Source, macros: Macros, *, optional_syntax: bool = True) -> Node:
    """Return the nodes of an expression.

    Args:
        source: The text.
        macros: The macros to expand.
        optional_syntax: Whether ``a.?b``, ``a[?b]`` and ``{?a: b}`` are allowed.

    Raises:
        CompileError: It does not parse; the message is cel-go's.
    """
    if len(source.text) > MAX_LENGTH:
        size = f"size: {len(source.text)}, limit {MAX_LENGTH}"
        raise source.error([Issue(-1, f"expression code point size exceeds limit: {size}")])
    tokens, issues = tokenize(source.text)
    if issues:
        raise source.error([*issues, *diagnose(tokens, source.text)])
    parser = _Parser(tokens, macros, optional_syntax)
    try:
        node = parser.whole()
        if len(tokens) > MAX_DEPTH:
            _check_depth(node)
    except _UnusableTokenError:
        found = diagnose(tokens, source.text)
        raise source.error(found or [Issue(tokens[-1].offset, "Syntax error: invalid expression")]) from None
    except _TooDeepError as error:
        raise source.error([Issue(-1, str(error))]) from None
    if parser.issues:
        raise source.error(parser.issues)
    return node


class _UnusableTokenError(Exception):
    """The tokens are no expression."""


class _TooDeepError(Exception):
    """The expression is nested too deeply."""


def _check_depth(root: Node) -> None:
    pending = [(root, 0)]
    while pending:
        node, depth = pending.pop()
        depth += isinstance(node, Call | Select)
        if depth > MAX_DEPTH:
            raise _TooDeepError("max recursion depth exceeded")
        pending.extend((each, depth) for each in children(node))


class _Parser:
    def __init__(self, tokens: list[Token], macros: Macros, optional_syntax: bool) -> None:
        self.issues: list[Issue] = []
        self._tokens = tokens
        self._index = 0
        self._kind = tokens[0].kind
        self._macros = macros
        self._optional_syntax = optional_syntax
        self._depth = 0

    def whole(self) -> Node:
        node = self._expression()
        self._expect(END)
        return node

    # Tokens

    def _next(self) -> Token:
        token = self._tokens[self._index]
        if self._index + 1 < len(self._tokens):
            self._index += 1
        self._kind = self._tokens[self._index].kind
        return token

    def _expect(self, kind: str) -> Token:
        if self._kind != kind:
            raise _UnusableTokenError
        return self._next()

    def _take(self, kind: str) -> Token | None:
        return self._next() if self._kind == kind else None

    def _problem(self, offset: int, message: str) -> Node:
        self.issues.append(Issue(offset, message))
        return Literal(offset, None)

    def _question(self, sign: str) -> bool:
        """Take a question mark that makes an element optional."""
        mark = self._take("?")
        if mark is not None and not self._optional_syntax:
            self._problem(mark.offset, f"unsupported syntax '{sign}'")
        return mark is not None

    # Operators, loosest first

    def _expression(self) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _TooDeepError(f"expression recursion limit exceeded: {MAX_DEPTH}")
        node = self._operation()
        sign = self._take("?")
        if sign is not None:
            then = self._operation()
            self._expect(":")
            node = Call(sign.offset, operators.CONDITIONAL, None, [node, then, self._expression()])
        self._depth -= 1
        return node

    def _operation(self) -> Node:
        """Parse operators below the conditional, without a recursion for each level of precedence."""
        alternatives: list[Node] = []
        ors: list[int] = []
        while True:
            terms = [self._relation()]
            ands: list[int] = []
            while self._kind == "&&":
                ands.append(self._next().offset)
                terms.append(self._relation())
            alternatives.append(_balanced(operators.AND, terms, ands))
            if self._kind != "||":
                return _balanced(operators.OR, alternatives, ors)
            ors.append(self._next().offset)

    def _relation(self) -> Node:
        relations: tuple[Node, Token] | None = None
        sums: tuple[Node, Token] | None = None
        node = self._unary()
        while True:
            kind = self._kind
            if kind in _PRODUCTS:
                sign = self._next()
                node = _binary(node, sign, self._unary())
                continue
            if sums is not None:
                node, sums = _binary(*sums, node), None
            if kind in _SUMS:
                sums = node, self._next()
                node = self._unary()
                continue
            if relations is not None:
                node, relations = _binary(*relations, node), None
            if kind not in _RELATIONS:
                return node
            relations = node, self._next()
            node = self._unary()

    def _unary(self) -> Node:
        kind = self._kind
        if kind not in {"!", "-"} or (kind == "-" and self._starts_number()):
            return self._member()
        sign = self._next()
        count = 1
        while self._kind == kind:
            self._next()
            count += 1
        if self._kind in {"!", "-"} and not (self._kind == "-" and self._starts_number()):
            raise _UnusableTokenError
        node = self._member()
        if count % 2 == 0:
            return node
        return Call(sign.offset, operators.NOT if kind == "!" else operators.NEGATE, None, [node])

    def _starts_number(self) -> bool:
        following = self._tokens[min(self._index + 1, len(self._tokens) - 1)]
        return following.kind in {"NUM_INT", "NUM_FLOAT"}

    # Selections, calls and indices

    def _member(self) -> Node:
        node = self._primary()
        while True:
            if self._kind == ".":
                node = self._selection(node, self._next())
            elif self._kind == "[":
                opening = self._next()
                optional = self._question("[?")
                index = self._expression()
                self._expect("]")
                name = operators.OPTIONAL_INDEX if optional else operators.INDEX
                node = Call(opening.offset, name, None, [node, index])
            else:
                return node

    def _selection(self, node: Node, dot: Token) -> Node:
        if self._kind == "?":
            self._question(".?")
            name = self._field_name()
            return Call(dot.offset, operators.OPTIONAL_SELECT, None, [node, Literal(name.offset, name.text)])
        name = self._field_name()
        opening = self._take("(") if name.kind == "IDENTIFIER" else None
        if opening is None:
            return Select(dot.offset, node, name.text)
        return self._call(name.text, opening.offset, node)

    def _field_name(self) -> Token:
        if self._kind == "ESC_IDENTIFIER":
            self._problem(self._tokens[self._index].offset, "unsupported syntax: '`'")
            return self._next()
        return self._expect("IDENTIFIER")

    def _call(self, name: str, offset: int, target: Node | None) -> Node:
        arguments: list[Node] = []
        if self._kind != ")":
            arguments.append(self._expression())
            while self._take(","):
                arguments.append(self._expression())
        self._expect(")")
        macro = self._macros.find(name, len(arguments), method=target is not None)
        if macro is not None:
            try:
                expanded = macro.expanded(offset, target, arguments)
            except MacroError as error:
                return self._problem(error.offset, str(error))
            if expanded is not None:
                return expanded
        return Call(offset, name, target, arguments)

    # Primary expressions

    def _primary(self) -> Node:
        kind = self._kind
        if kind in {"IDENTIFIER", "."}:
            return self._name()
        if kind == "(":
            self._next()
            node = self._expression()
            self._expect(")")
            return node
        if kind == "[":
            return self._list()
        if kind == "{":
            opening = self._next()
            return MapExpr(opening.offset, self._map_entries())
        return self._literal()

    def _name(self) -> Node:
        dot = self._take(".")
        if self._kind == "IDENTIFIER" and self._starts_object():
            return self._object("" if dot is None else ".")
        name = self._expect("IDENTIFIER")
        start = name.offset if dot is None else dot.offset
        full = name.text if dot is None else f".{name.text}"
        opening = self._take("(")
        node = Ident(name.offset, full) if opening is None else self._call(full, opening.offset, None)
        if name.text in _RESERVED:
            return self._problem(start, f"reserved identifier: {name.text}")
        return node

    def _starts_object(self) -> bool:
        index = self._index + 1
        while self._tokens[index].kind == "." and self._tokens[index + 1].kind == "IDENTIFIER":
            index += 2
        return self._tokens[index].kind == "{"

    def _object(self, prefix: str) -> Node:
        names = [self._next().text]
        while self._take("."):
            names.append(self._next().text)
        opening = self._expect("{")
        fields: list[Field] = []
        while self._kind in {"?", "IDENTIFIER", "ESC_IDENTIFIER"}:
            optional = self._question("?")
            name = self._field_name()
            colon = self._expect(":")
            fields.append(Field(colon.offset, name.text, self._expression(), optional))
            if not self._take(","):
                break
        else:
            if not fields:
                self._take(",")
        self._expect("}")
        return StructExpr(opening.offset, prefix + ".".join(names), fields)

    def _list(self) -> Node:
        opening = self._next()
        elements: list[Node] = []
        optional: set[int] = set()
        if not self._take(","):
            while self._kind != "]":
                if self._question("?"):
                    optional.add(len(elements))
                elements.append(self._expression())
                if not self._take(","):
                    break
        self._expect("]")
        return ListExpr(opening.offset, elements, frozenset(optional))

    def _map_entries(self) -> list[Entry]:
        entries: list[Entry] = []
        if not self._take(","):
            while self._kind != "}":
                optional = self._question("?")
                key = self._expression()
                colon = self._expect(":")
                entries.append(Entry(colon.offset, key, self._expression(), optional))
                if not self._take(","):
                    break
        self._expect("}")
        return entries

    # Literals

    def _literal(self) -> Node:
        minus = self._take("-")
        token = self._tokens[self._index]
        read = _LITERALS.get(token.kind)
        if read is None or (minus is not None and token.kind not in {"NUM_INT", "NUM_FLOAT"}):
            raise _UnusableTokenError
        self._next()
        offset = token.offset if minus is None else minus.offset
        try:
            return Literal(offset, read(token.text if minus is None else f"-{token.text}"))
        except ValueError as error:
            return self._problem(offset, str(error))


def _binary(left: Node, sign: Token, right: Node) -> Node:
    return Call(sign.offset, operators.BINARY[sign.text], None, [left, right])


def _balanced(function: str, terms: list[Node], signs: list[int]) -> Node:
    """Return a tree of low depth, which evaluates in the same order as a chain."""
    if len(terms) == 1:
        return terms[0]
    middle = len(signs) // 2
    left = _balanced(function, terms[: middle + 1], signs[:middle])
    right = _balanced(function, terms[middle + 1 :], signs[middle + 1 :])
    return Call(signs[middle], function, None, [left, right])


def _integer(text: str) -> int:
    number = int(text, 16) if "0x" in text else int(text)
    if not -_MAX_INT64 - 1 <= number <= _MAX_INT64:
        raise ValueError("invalid int literal")
    return number


def _unsigned(text: str) -> UInt:
    number = int(text[:-1], 16 if text.startswith("0x") else 10)
    if number > 2 * _MAX_INT64 + 1:
        raise ValueError("invalid uint literal")
    return UInt(number)


def _double(text: str) -> float:
    number = float(text)
    if number in {float("inf"), float("-inf")}:
        raise ValueError("invalid double literal")
    return number


def _limited(read: Callable[[str], int], message: str) -> Callable[[str], int]:
    """Refuse more digits than an integer can have before converting them, which takes quadratic time."""

    def checked(text: str) -> int:
        if len(text.lstrip("-0x").rstrip("uU")) > 20:
            raise ValueError(message)
        return read(text)

    return checked


_LITERALS: Final[dict[str, Callable[[str], bool | int | float | str | bytes | None]]] = {
    "NUM_INT": _limited(_integer, "invalid int literal"),
    "NUM_UINT": _limited(_unsigned, "invalid uint literal"),
    "NUM_FLOAT": _double,
    "STRING": lambda text: unquoted(text, is_bytes=False),
    "BYTES": lambda text: unquoted(text[1:], is_bytes=True),
    **{word: lambda text: _CONSTANTS[text] for word in _CONSTANTS},
}
