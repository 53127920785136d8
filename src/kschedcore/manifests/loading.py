"""Reading manifests: files, folders, standard input; YAML and JSON; plain or gzip."""

from __future__ import annotations

import gzip
import json
import math
import re
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import msgspec

from kschedcore.api.arguments import path_of
from kschedcore.errors import ManifestError, NotFoundError
from kschedcore.manifests.yaml import line_of, read_yaml

__all__ = ["STDIN", "Document", "parse_documents", "read_documents"]

T = TypeVar("T")

STDIN = "-"
"""The path that means standard input."""

_SUFFIXES = (".yaml", ".yml", ".json", ".gz")
_GZIP = b"\x1f\x8b"
_JSON_START = re.compile(rb"(?:\xef\xbb\xbf)?()\s*+(?:\[\s*+)*(?:(\{\s*+[\"}]|[\[\]])|\{)")
"""The beginning of JSON; the second group matches text that is hardly YAML in flow style."""

_SURROGATE = re.compile(r"\\[uU](?:0000)?[dD][89a-fA-F]")
_BLANKS = re.compile(r"[ \t\r\n]*")

MAX_BYTES = 2**30
"""Maximum size of a source, also after decompression."""

_PIECE = 1 << 18

_LOGS = b"\n==== START logs for container "
_WITH_LOGS = re.compile(
    rb"^==== START logs for container (.*) ====$.*?^==== END logs for container \1 ====$\n?",
    re.DOTALL | re.MULTILINE,
)
"""The logs that ``kubectl cluster-info dump`` prints after the lists of objects."""


@dataclass(frozen=True)
class Document:
    """One document of a source.

    Attributes:
        data: The content, JSON-shaped.
        source: The file, or ``<stdin>``.
        number: The number of the document in the source, from 1.
        text: The source's text if it is YAML, to find lines in.
        line: The line where the document starts, from 1; None for JSON.
        warnings: Probable mistakes, such as duplicate keys, each with its line.
    """

    data: Any
    source: str
    number: int
    text: str | None = None
    line: int | None = None
    warnings: tuple[str, ...] = ()

    def line_of(self, path: list[str | int]) -> int | None:
        """Return the line of a field, or of its closest parent with a line."""
        if self.text is None:
            return None
        return line_of(self.text, self.number, path) or self.line


def read_documents(
    paths: Iterable[str | Path], stdin: BinaryIO | None = None, *, recursive: bool = False
) -> Iterator[Document]:
    """Yield the documents of files and folders, in the order given; a folder's files in name order.

    Args:
        paths: Files, folders (every manifest directly in them), or ``-``.
        stdin: The stream for ``-``; the process's standard input if None.
        recursive: Whether to read the folders in folders as well.

    Raises:
        NotFoundError: A path does not exist.
        ManifestError: A source cannot be read or is neither YAML nor JSON.
        UsageError: A value is not a path.
    """
    for path in paths:
        if isinstance(path, str | Path) and str(path) == STDIN:
            yield from parse_documents(_read(stdin or sys.stdin.buffer, "<stdin>"), "<stdin>")
            continue
        for file in _files(path_of("a path of manifests", path), recursive=recursive):
            yield from parse_documents(_reading(file, _read_file), str(file))


def _files(place: Path, *, recursive: bool) -> list[Path]:
    if not _reading(place, Path.is_dir):
        return [place]
    found = _reading(place, lambda folder: sorted(folder.rglob("*") if recursive else folder.iterdir()))
    files = [file for file in found if file.name.endswith(_SUFFIXES) and file.is_file()]
    if not files:
        raise ManifestError("no manifests (*.yaml, *.yml, *.json, *.gz) in this folder", source=str(place))
    return files


def _reading(place: Path, read: Callable[[Path], T]) -> T:
    try:
        return read(place)
    except FileNotFoundError:
        raise NotFoundError(f"{place}: no such file or folder") from None
    except OSError as error:
        raise ManifestError(f"cannot be read: {error.strerror}", source=str(place)) from None
    except ManifestError:
        raise
    except ValueError:
        raise NotFoundError(f"{str(place)!r} is no path") from None


def _read_file(file: Path) -> bytes:
    with file.open("rb") as stream:
        return _read(stream, str(file))


def _read(stream: BinaryIO, source: str) -> bytes:
    """Read a stream up to the maximum size, as it may be endless, such as ``/dev/zero``."""
    pieces, size = [], 0
    while piece := stream.read(_PIECE):
        if (
            not size
            and len(piece) == _PIECE
            and b"\0" in piece
            and piece[:2] not in (_GZIP, b"\xff\xfe", b"\xfe\xff")
        ):
            raise ManifestError("holds NUL bytes; expected a manifest", source=source)
        pieces.append(piece)
        size += len(piece)
        if size > MAX_BYTES:
            raise ManifestError(f"has more than {MAX_BYTES:,} bytes", source=source)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _unpack(data: bytes, source: str) -> bytes:
    try:
        with gzip.open(BytesIO(data)) as stream:
            unpacked = stream.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ManifestError(f"not a complete gzip file: {error}", source=source) from None
    if len(unpacked) > MAX_BYTES:
        raise ManifestError(f"unpacks to more than {MAX_BYTES:,} bytes", source=source)
    return unpacked


def _text(data: bytes, source: str) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise ManifestError("is UTF-16 text; expected UTF-8", source=source)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ManifestError(
            f"byte 0x{data[error.start]:02x} is not UTF-8 text; expected a manifest", source=source, line=line
        ) from None
    if "\0" in text:
        raise ManifestError("holds NUL bytes; expected a manifest", source=source)
    return text


def parse_documents(data: bytes, source: str) -> Iterator[Document]:
    """Return the documents of a text.

    Args:
        data: YAML or JSON, perhaps compressed by gzip.
        source: What messages call the text.

    Raises:
        ManifestError: It is neither.
    """
    if data[:2] == _GZIP:
        data = _unpack(data, source)
    if _LOGS in data:
        data = _WITH_LOGS.sub(b"", data)
    return _json(data, source) or _yaml(data, source)


def _yaml(data: bytes, source: str) -> Iterator[Document]:
    text = _text(data, source)
    number = 1
    warnings: list[str] = []
    try:
        for line, content in read_yaml(text, warnings=warnings):
            if content is not None:
                yield Document(content, source, number, text, line, tuple(warnings))
            warnings.clear()
            number += 1
    except ManifestError as error:
        raise error.located(source=source, document=number) from None


def _json(data: bytes, source: str) -> Iterator[Document] | None:
    """Return the documents of JSON text, several in a row allowed; None if it has to be read as YAML."""
    start = _JSON_START.match(data)
    if start is None:
        return None
    try:
        return iter([Document(msgspec.json.decode(data[start.start(1) :]), source, 1)])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _json_stream(_text(data, source), source, is_json=start[2] is not None)


def _json_stream(text: str, source: str, *, is_json: bool) -> Iterator[Document] | None:
    decoder = json.JSONDecoder(parse_constant=_finite, parse_float=_finite)
    documents: list[Document] = []
    place = _skip_blanks(text, 0)
    try:
        while place < len(text):
            if text.startswith("---", place):
                return None  # YAML whose documents are JSON
            content, place = decoder.raw_decode(text, place)
            documents.append(Document(_characters(content, text), source, len(documents) + 1))
            place = _skip_blanks(text, place)
    except json.JSONDecodeError as error:
        if not documents and not is_json:
            return None
        problem, line = f"not valid JSON: {error.msg}", error.lineno
    except ValueError as error:
        problem, line = f"not valid JSON: {error}", text.count("\n", 0, place) + 1
    except RecursionError:
        problem, line = "nested too deeply", text.count("\n", 0, place) + 1
    else:
        return iter(documents)
    raise ManifestError(problem, source=source, document=len(documents) + 1, line=line)


def _characters(content: Any, text: str) -> Any:
    """Replace lone surrogates, which only escapes can express, by U+FFFD, as Go's decoder does."""
    if not _SURROGATE.search(text):
        return content
    written = json.dumps(content, ensure_ascii=False).encode("utf-16-le", "surrogatepass")
    return json.loads(written.decode("utf-16-le", "replace"))


def _skip_blanks(text: str, place: int) -> int:
    match = _BLANKS.match(text, place)
    return place if match is None else match.end()


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no number that JSON can express")
    return number
