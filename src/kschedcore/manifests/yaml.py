"""YAML as read by Kubernetes' own loader: as a notation of JSON.

Keys become strings. The last value of a duplicate key in a mapping counts, as in kubectl and helm; a warning names both
lines. Documents are built from libyaml's events without recursion, with limits on depth and on the expansion of
aliases, so that no text can exhaust the stack or the memory.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import yaml

from kschedcore.errors import ManifestError
from kschedcore.manifests.scalars import resolve

__all__ = ["line_of", "read_yaml"]

MAX_DEPTH: Final = 400
"""Maximum depth of a document."""

MAX_VALUES: Final = 2_000_000
"""Maximum number of values to which a document's aliases expand."""

Lines = dict[tuple[int, str | int], int]
"""(id of a mapping or list, key or index) -> the line of the entry, from 1."""

_TAG = "tag:yaml.org,2002:"
_COLLECTION_TAGS = (None, "!", f"{_TAG}map", f"{_TAG}seq", f"{_TAG}set", f"{_TAG}omap", f"{_TAG}pairs")
_SCALAR_TYPES: Final[dict[str, tuple[type, ...]]] = {
    f"{_TAG}int": (int,),
    f"{_TAG}float": (int, float),
    f"{_TAG}bool": (bool,),
    f"{_TAG}null": (type(None),),
}
_MERGE: Final = object()
_NO_KEY: Final = object()


class _Open:
    """A mapping or list that is being read.

    Attributes:
        value: The content read so far.
        anchor: The anchor, for aliases.
        line: The line where it began.
        size: Number of values so far, aliases expanded, itself included.
        key: In a mapping, the key of the next value.
        keys: In a mapping, the lines of its own keys.
        merged: In a mapping, the mappings merged with ``<<``, in order of precedence.
    """

    __slots__ = ("anchor", "key", "keys", "line", "merged", "size", "value")

    def __init__(self, value: Any, anchor: str | None, line: int) -> None:
        self.value = value
        self.anchor = anchor
        self.line = line
        self.size = 1
        self.key: Any = _NO_KEY
        self.keys: dict[str, int] = {}
        self.merged: list[Mapping[str, Any]] = []


class _Document:
    """One document under construction.

    Args:
        lines: Collects the lines of entries, if given.
        warnings: Collects warnings, if given.
    """

    def __init__(self, lines: Lines | None, warnings: list[str] | None) -> None:
        self.root: Any = None
        self.line = 1
        self._lines = lines
        self._warnings = warnings
        self._open: list[_Open] = []
        self._written = 0
        self._anchors: dict[str, tuple[Any, int]] = {}

    def take(self, event: yaml.Event) -> None:
        """Take the next event of the document."""
        line = _line(event)
        self._written += 1
        if isinstance(event, yaml.ScalarEvent):
            value = _scalar(event, line)
            if event.anchor:
                self._anchors[event.anchor] = value, 1
            self._put(value, 1, line, is_merge=_is_merge(event))
        elif isinstance(event, yaml.AliasEvent):
            self._put(*self._aliased(event.anchor or "", line), line)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._begin(event, line)
        else:
            self._end()

    def _aliased(self, anchor: str, line: int) -> tuple[Any, int]:
        if anchor not in self._anchors:
            inside = any(each.anchor == anchor for each in self._open)
            problem = "refers to a node that contains it" if inside else "refers to no earlier anchor"
            # The name is not shown: it may be a password that begins with an asterisk.
            raise ManifestError(f"an alias {problem}; text that begins with '*' needs quotes", line=line)
        return self._anchors[anchor]

    def _begin(self, event: yaml.CollectionStartEvent, line: int) -> None:
        if event.tag not in _COLLECTION_TAGS:
            raise _foreign_tag(line)
        if len(self._open) >= MAX_DEPTH:
            raise ManifestError(f"nested more than {MAX_DEPTH} levels deep", line=line)
        value: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
        if self._open and type(self._open[-1].value) is dict and self._open[-1].key is _NO_KEY:
            raise _not_a_key(value, line)
        if not self._open:
            self.line = line
        self._open.append(_Open(value, event.anchor, line))

    def _end(self) -> None:
        ended = self._open.pop()
        for each in ended.merged:
            for key, value in each.items():
                ended.value.setdefault(key, value)
        if ended.anchor:
            self._anchors[ended.anchor] = ended.value, ended.size
        self._put(ended.value, ended.size, ended.line)

    def _put(self, value: Any, size: int, line: int, *, is_merge: bool = False) -> None:
        """Add a complete value to its parent."""
        if not self._open:
            self.root = value
            return
        parent = self._open[-1]
        parent.size += size
        if parent.size > self._written + MAX_VALUES:
            raise ManifestError(f"its aliases expand to more than {MAX_VALUES:,} values", line=line)
        if type(parent.value) is list:
            self._note(parent, len(parent.value), line)
            parent.value.append(value)
        elif parent.key is _NO_KEY:
            parent.key = _MERGE if is_merge else self._new_key(parent, value, line)
        else:
            self._put_entry(parent, value, line)
            parent.key = _NO_KEY

    def _put_entry(self, parent: _Open, value: Any, line: int) -> None:
        if parent.key is not _MERGE:
            parent.value[parent.key] = value
            return
        brought = value if isinstance(value, list) else [value]
        if not all(isinstance(each, dict) for each in brought):
            raise ManifestError("'<<' brings in something other than mappings", line=line)
        parent.merged += brought

    def _new_key(self, parent: _Open, value: Any, line: int) -> str:
        key = _key(value, line)
        if key in parent.keys and self._warnings is not None:
            first = parent.keys[key]
            self._warnings.append(
                f"line {line}: key {key!r} replaces the one of line {first} in the same mapping"
            )
        parent.keys[key] = line
        self._note(parent, key, line)
        return key

    def _note(self, parent: _Open, key: str | int, line: int) -> None:
        if self._lines is not None:
            self._lines[id(parent.value), key] = line


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark is not None else 1


def _is_merge(event: yaml.ScalarEvent) -> bool:
    return event.value == "<<" and (event.implicit[0] or event.tag == f"{_TAG}merge")


def _scalar(event: yaml.ScalarEvent, line: int) -> Any:
    text, tag = event.value, event.tag
    if tag is None and not event.implicit[0]:
        return text
    if tag is None:
        value = resolve(text)
    elif tag in _SCALAR_TYPES:
        value = resolve(text)
        if type(value) not in _SCALAR_TYPES[tag]:
            raise ManifestError(f"a value cannot be read as !!{tag.removeprefix(_TAG)}", line=line)
    else:
        return _text_with_tag(text, tag, line)
    if isinstance(value, float) and not math.isfinite(value):
        raise ManifestError(f"{text} is no number that JSON can express", line=line)
    return value


def _text_with_tag(text: str, tag: str, line: int) -> str:
    if tag in ("!", f"{_TAG}str", f"{_TAG}timestamp", f"{_TAG}merge"):
        return text
    if tag != f"{_TAG}binary":
        raise _foreign_tag(line)
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode()
    except ValueError:
        raise ManifestError("!!binary holds no text in base64", line=line) from None


def _foreign_tag(line: int) -> ManifestError:
    """Return the error for a tag, without the tag: it may be a password that begins with an exclamation mark."""
    return ManifestError(
        "a tag has no meaning in a manifest; text that begins with '!' needs quotes", line=line
    )


def _key(value: Any, line: int) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    raise _not_a_key(value, line)


def _not_a_key(value: Any, line: int) -> ManifestError:
    shown = "null" if value is None else "a list" if isinstance(value, list) else "an object"
    hint = "; was a template left unrendered?" if isinstance(value, dict) else ""
    return ManifestError(f"a mapping's key is {shown}; expected a string{hint}", line=line)


def read_yaml(
    text: str, lines: Lines | None = None, warnings: list[str] | None = None
) -> Iterator[tuple[int, Any]]:
    """Read a YAML stream.

    Args:
        text: The stream.
        lines: Filled with the lines of entries, if given; valid while the documents exist.
        warnings: Filled with warnings, if given.

    Yields:
        (line where the document begins, its content as JSON-shaped data), empty documents included.

    Raises:
        ManifestError: The text is not YAML, or cannot be expressed in JSON; names the line.
    """
    try:
        parser = yaml.CBaseLoader(text)
        document = _Document(lines, warnings)
        while True:
            event = parser.get_event()
            if isinstance(event, yaml.StreamEndEvent):
                return
            if isinstance(event, yaml.DocumentStartEvent):
                document = _Document(lines, warnings)
                document.line = _line(event)
            elif isinstance(event, yaml.DocumentEndEvent):
                yield document.line, document.root
            elif isinstance(event, yaml.NodeEvent | yaml.CollectionEndEvent):
                document.take(event)
    except yaml.YAMLError as error:
        raise _fault(error, text) from None


def _fault(error: yaml.YAMLError, text: str) -> ManifestError:
    if isinstance(error, yaml.reader.ReaderError):
        # The parser counts bytes of UTF-8.
        line = text.encode(errors="replace").count(b"\n", 0, error.position) + 1
        character = error.character if isinstance(error.character, int) else ord(error.character)
        return ManifestError(f"holds the control character 0x{character:02x}", line=line)
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or str(error).split("\n")[0]
    if mark is None:
        return ManifestError(f"not valid YAML: {problem}")
    here = text.split("\n")[max(0, mark.line - 1) : mark.line + 1]
    return ManifestError(f"not valid YAML: {_explained(problem, here)}", line=mark.line + 1)


def _explained(problem: str, lines: Sequence[str]) -> str:
    """Return the problem, in plain words for common mistakes; the last line of the text is the one with the error."""
    last = lines[-1] if lines else ""
    if "\t" in last[: len(last) - len(last.lstrip())]:
        return "indented with a tab; YAML allows only spaces"
    for line in reversed(lines):
        missing = re.match(r"\s*-([A-Za-z]\w*)\s*:", line)
        if missing:
            return f"{problem}; is the space after the dash of '-{missing[1]}' missing?"
    return problem


def line_of(text: str, number: int, path: Sequence[str | int]) -> int | None:
    """Return the line of a field in the ``number``-th document, from 1, or of its closest existing parent."""
    lines: Lines = {}
    held = []  # so that ids stay those of these documents
    for count, (line, content) in enumerate(read_yaml(text, lines), 1):
        held.append(content)
        if count == number:
            return _line_in(content, path, lines, line)
    return None


def _line_in(content: Any, path: Sequence[str | int], lines: Lines, line: int) -> int:
    for step in path:
        line = lines.get((id(content), step), line)
        try:
            content = content[step]
        except (KeyError, IndexError, TypeError):
            break
    return line
