"""Kubernetes' library of URLs, with Go's parser rules (``net/url``)."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote_to_bytes

from kschedcore.cel import types
from kschedcore.cel.declarations import Library, function, method, overloads
from kschedcore.cel.errors import EvaluationError
from kschedcore.cel.values import CelValue, quoted

__all__ = ["LIBRARY", "URL", "request_uri_problem"]

TYPE: Final = types.object_type("kubernetes.URL")
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*")
_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2}).{0,2}", re.DOTALL)
_PLAIN_PATH: Final = re.compile(r"(?:[A-Za-z0-9\-._~$&+,/:;=@!'()*\[\]]|%[0-9A-Fa-f]{2})*")
_USER: Final = re.compile(r"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*")
_BAD_IN_HOST: Final = re.compile(r"[\x00-\x20\x7f/?#@`{|}\\^]")
_UNESCAPED_IN_PATH: Final = frozenset(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~$&+/:=@"
)


class URL(CelValue):
    """A URL with an absolute path or a scheme.

    Attributes:
        scheme: ``https``, or empty.
        host: With the port.
        escaped_path: The path with its escape sequences.
        query: The query string.
    """

    __slots__ = ("escaped_path", "host", "query", "scheme", "text")

    cel_type = TYPE

    def __init__(self, text: str, *, is_request: bool = False) -> None:
        rest = text if is_request else text.partition("#")[0]
        problem = _check_letters(rest)
        if problem:
            raise ValueError(problem)
        self.text = text
        self.scheme, rest = _scheme(rest)
        rest, _, self.query = rest.partition("?")
        self.host = ""
        self.escaped_path = ""
        if not rest.startswith("/"):
            if self.scheme or rest == "*":
                return
            if is_request:
                raise ValueError("invalid URI for request" if text else "empty url")
        if rest.startswith("//") and (self.scheme or (not is_request and not rest.startswith("///"))):
            authority, slash, path = rest[2:].partition("/")
            self.host = _host(authority)
            rest = slash + path
        _check_escapes(rest)
        self.escaped_path = rest if _PLAIN_PATH.fullmatch(rest) else _escaped(rest)

    def __str__(self) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, URL) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    @property
    def hostname(self) -> str:
        """The host without port and brackets."""
        name = self.host[: -len(self.port) - 1] if self.port or self.host.endswith(":") else self.host
        return name[1:-1] if name.startswith("[") and name.endswith("]") else name

    @property
    def port(self) -> str:
        """The port, empty when there is none."""
        found = re.fullmatch(r"(?:\[[^\]]*\]|[^:\[]*):([0-9]*)", self.host)
        return "" if found is None else found[1]

    def parameters(self) -> dict[str, list[str]]:
        """Return the query's parameters; invalid ones are left out."""
        found: dict[str, list[str]] = {}
        for pair in self.query.split("&"):
            if not pair or ";" in pair or _ESCAPE.search(pair):
                continue
            name, _, value = (_plain(part) for part in pair.partition("="))
            found.setdefault(name, []).append(value)
        return found


def _plain(text: str) -> str:
    return unquote_to_bytes(text.replace("+", " ")).decode("utf-8", "replace")


def _check_letters(text: str) -> str:
    has_control = any(letter < " " or letter == "\x7f" for letter in text)
    return "net/url: invalid control character in URL" if has_control else ""


def _scheme(text: str) -> tuple[str, str]:
    if text.startswith(":"):
        raise ValueError("missing protocol scheme")
    found = _SCHEME.match(text)
    if found is None or not text.startswith(":", found.end()):
        return "", text
    return found[0].lower(), text[found.end() + 1 :]


def _check_escapes(text: str) -> None:
    found = _ESCAPE.search(text)
    if found is not None:
        raise ValueError(f"invalid URL escape {quoted(found[0])}")


def _escaped(path: str) -> str:
    return "".join(
        chr(byte) if byte in _UNESCAPED_IN_PATH else f"%{byte:02X}" for byte in unquote_to_bytes(path)
    )


def _host(authority: str) -> str:
    user, at, host = authority.rpartition("@")
    if at and not _USER.fullmatch(user):
        raise ValueError("net/url: invalid userinfo")
    _check_escapes(user)
    if host.startswith("["):
        end = host.rfind("]")
        if end < 0:
            raise ValueError("missing ']' in host")
        _check_port(host[end + 1 :])
    elif ":" in host:
        _check_port(host[host.rindex(":") :])
    found = _BAD_IN_HOST.search(host)
    if found is not None:
        raise ValueError(f"invalid character {quoted(found[0])} in host name")
    escape = re.search(r"%(?!25)[0-9A-Fa-f]{2}", host)
    if escape is not None and int(escape[0][1:], 16) < 0x80:
        raise ValueError(f"invalid URL escape {quoted(escape[0])}")
    _check_escapes(host)
    return _plain(host.replace("+", "%2B"))


def _check_port(text: str) -> None:
    if text and not re.fullmatch(r":[0-9]*", text):
        raise ValueError(f"invalid port {quoted(text)} after host")


def request_uri_problem(text: str) -> str:
    """Return the error of a text that is not an absolute URI or path, else empty (Go's ``url.ParseRequestURI``)."""
    try:
        URL(text, is_request=True)
    except ValueError as error:
        return f"parse {quoted(text)}: {error}"
    return ""


def _url(text: str) -> URL:
    problem = request_uri_problem(text)
    if not problem:
        try:
            return URL(text)
        except ValueError as error:
            problem = f"parse {quoted(text)}: {error}"
    raise EvaluationError(f"URL parse error during conversion from string: {problem}")


_PARAMETERS: Final = types.map_of(types.STRING, types.list_of(types.STRING))

LIBRARY: Final = Library(
    "kubernetes.urls",
    overloads(
        ("url", [function("string_to_url", (types.STRING,), TYPE, _url)]),
        ("getScheme", [method("url_get_scheme", (TYPE,), types.STRING, lambda given: given.scheme)]),
        ("getHost", [method("url_get_host", (TYPE,), types.STRING, lambda given: given.host)]),
        ("getHostname", [method("url_get_hostname", (TYPE,), types.STRING, lambda given: given.hostname)]),
        ("getPort", [method("url_get_port", (TYPE,), types.STRING, lambda given: given.port)]),
        (
            "getEscapedPath",
            [method("url_get_escaped_path", (TYPE,), types.STRING, lambda given: given.escaped_path)],
        ),
        ("getQuery", [method("url_get_query", (TYPE,), _PARAMETERS, URL.parameters)]),
        (
            "isURL",
            [
                function(
                    "is_url_string", (types.STRING,), types.BOOL, lambda text: not request_uri_problem(text)
                )
            ],
        ),
    ),
)
