"""Reading manifests: files, folders, standard input; YAML and JSON; plain or gzip."""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from kschedcore.api.yaml import line_of, read_yaml
from kschedcore.errors import ManifestError, NotFoundError

__all__ = ["STDIN", "Document", "read_documents"]

STDIN = "-"
"""The path that stands for standard input."""

_SUFFIXES = (".yaml", ".yml", ".json", ".yaml.gz", ".yml.gz", ".json.gz")
_GZIP = b"\x1f\x8b"
MAX_BYTES = 2**31
"""A source may not unpack to more than this."""


@dataclass(frozen=True)
class Document:
    """One document of a source.

    Attributes:
        data: Its content, JSON-shaped.
        source: The file, or ``<stdin>``.
        number: Which document of the source it is, from 1.
        text: The source's text when it is YAML, to find lines in.
        line: The line where it starts, from 1; None for JSON.
    """

    data: Any
    source: str
    number: int
    text: str | None = None
    line: int | None = None

    def line_of(self, path: list[str | int]) -> int | None:
        """The line of a field, as close as can be told."""
        if self.text is None:
            return None
        return line_of(self.text, self.number, path) or self.line


def read_documents(paths: Iterable[str | Path], stdin: BinaryIO | None = None) -> Iterator[Document]:
    """The documents of files and folders, in the order given; a folder's files in name order.

    Args:
        paths: Files, folders (every manifest directly in them), or ``-``.
        stdin: Where ``-`` reads from; the process's standard input when None.

    Raises:
        NotFoundError: A path does not exist.
        ManifestError: A source cannot be read or is neither YAML nor JSON.
    """
    for path in paths:
        if str(path) == STDIN:
            yield from _parse((stdin or sys.stdin.buffer).read(), "<stdin>")
            continue
        place = Path(path)
        if place.is_dir():
            files = sorted(f for f in place.iterdir() if f.name.endswith(_SUFFIXES) and f.is_file())
            if not files:
                raise ManifestError("no manifests (*.yaml, *.yml, *.json) in this folder", source=str(path))
        else:
            files = [place]
        for file in files:
            yield from _parse(_read(file), str(file))


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        raise NotFoundError(f"{file}: no such file or folder") from None
    except OSError as error:
        raise ManifestError(f"cannot be read: {error.strerror}", source=str(file)) from None


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


def _parse(data: bytes, source: str) -> Iterator[Document]:
    if data[:2] == _GZIP:
        data = _unpack(data, source)
    if data.lstrip()[:1] in (b"{", b"["):
        documents = _json(data, source)
        if documents is not None:
            yield from documents
            return
    text = _text(data, source)
    number = 0
    documents_seen = read_yaml(text)
    while True:
        number += 1
        try:
            line, content = next(documents_seen)
        except StopIteration:
            return
        except ManifestError as error:
            raise error.located(source=source, document=number) from None
        if content is not None:
            yield Document(content, source, number, text, line)


def _json(data: bytes, source: str) -> list[Document] | None:
    """The documents of JSON text, several in a row allowed; None when it is YAML in flow style after all."""
    try:
        return [Document(msgspec.json.decode(data), source, 1)]
    except (msgspec.DecodeError, RecursionError):
        pass
    text = _text(data, source)
    decoder = json.JSONDecoder()
    documents, place = [], 0
    try:
        while place < len(text):
            content, place = decoder.raw_decode(text, place)
            documents.append(Document(content, source, len(documents) + 1))
            place += len(text[place:]) - len(text[place:].lstrip())
    except json.JSONDecodeError as error:
        if documents or text.lstrip().startswith("["):
            problem = f"not valid JSON: {error.msg}"
            raise ManifestError(problem, source=source, document=len(documents) + 1, line=error.lineno) from None
        return None
    except RecursionError:
        raise ManifestError("nested too deeply", source=source, document=len(documents) + 1) from None
    return documents
