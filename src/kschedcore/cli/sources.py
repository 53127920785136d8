"""Read what ``-f`` and ``-k`` name."""

from __future__ import annotations

import io
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from kschedcore.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from kschedcore.cli.options import Sources
    from kschedcore.manifests.fields import FieldValidation
    from kschedcore.manifests.loading import Document

__all__ = ["documents_of", "standard_input", "validation_of"]

_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")

_BUILDERS: Final = (("kubectl", "kustomize"), ("kustomize", "build"))
"""Programs that build kustomizations, with the arguments that precede the folder."""

_KUSTOMIZATIONS: Final = ("kustomization.yaml", "kustomization.yml", "Kustomization")


def documents_of(sources: Sources) -> list[Document]:
    """Return the documents of everything that ``-f`` and ``-k`` name.

    Raises:
        UsageError: Nothing is named, a path holds no objects, or a kustomization cannot be built.
        NotFoundError: A path does not exist.
        ManifestError: Something cannot be read.
    """
    from kschedcore.manifests.loading import read_documents

    documents: list[Document] = []
    for path in checked_filenames(sources):
        found = list(read_documents([path], standard_input(), recursive=sources.recursive))
        documents += _some(found, path)
    for folder in sources.kustomize or ():
        found = list(kustomized(folder))
        documents += _some(found, f"-k {folder}")
    return documents


def validation_of(sources: Sources) -> FieldValidation:
    """Return the validation that ``--validate`` selects; kubectl's true is strict, and its false ignore.

    Raises:
        UsageError: It is none of kubectl's values.
    """
    from kschedcore.manifests.fields import FieldValidation

    wanted = {"true": "strict", "false": "ignore"}.get(sources.validate.lower(), sources.validate)
    if wanted not in list(FieldValidation):
        raise UsageError(f"--validate {sources.validate}: expected strict (or true), warn, ignore (or false)")
    return FieldValidation(wanted)


def checked_filenames(sources: Sources) -> Sequence[str]:
    """Return the values of ``-f``.

    Raises:
        UsageError: Neither -f nor -k is there, a path is a URL, or empty (which would mean the current folder).
    """
    filenames = sources.filename or ()
    if not filenames and not sources.kustomize:
        raise UsageError("no manifests: name files, folders or - for standard input with -f")
    if sources.recursive and not filenames:
        raise UsageError("-R: needs a folder; name it with -f")
    if "" in filenames:
        raise UsageError("--filename '': expected a file, a folder or - for standard input")
    for path in filenames:
        if _URL.match(path):
            fetched = f"URLs are not fetched; try curl -fsSL {path} | kschedcore ... -f -"
            raise UsageError(f"-f {path}: {'expected a path' if path.startswith('file:') else fetched}")
    return filenames


def _some(documents: Iterable[Document], path: str) -> list[Document]:
    """Return the documents.

    Raises:
        UsageError: There is no object in them.
    """
    found = list(documents)
    if all(_is_empty(each.data) for each in found):
        raise UsageError(f"{path}: holds no objects")
    return found


def _is_empty(data: Any) -> bool:
    if not isinstance(data, Mapping):
        return data is None or data == []
    return str(data.get("kind", "")).endswith("List") and "items" in data and not data["items"]


def kustomized(folder: str) -> Iterator[Document]:
    """Yield the documents that a kustomization builds.

    Raises:
        UsageError: There is no program to build it with, or it fails.
        NotFoundError: There is no such folder, or it holds no kustomization.
        ManifestError: The output cannot be read.
    """
    import subprocess

    from kschedcore.manifests.loading import parse_documents

    if _URL.match(folder) or folder.startswith("git@"):
        raise UsageError(f"-k {folder}: URLs are not fetched; expected a folder with a kustomization.yaml")
    if not Path(folder).is_dir():
        raise NotFoundError(f"-k {folder}: no such folder")
    if not any((Path(folder) / name).is_file() for name in _KUSTOMIZATIONS):
        raise NotFoundError(f"-k {folder}: holds no kustomization.yaml")
    program, verb = _builder(folder)
    done = subprocess.run([program, verb, folder], capture_output=True, stdin=subprocess.DEVNULL, check=False)
    program = Path(program).name
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise UsageError(
            f"-k {folder}: {program} {verb}: {said[-1] if said else f'status {done.returncode}'}"
        )
    yield from parse_documents(done.stdout, f"{program} {verb} {folder}")


def _builder(folder: str) -> tuple[str, str]:
    """Return the path of a program that builds kustomizations, and the argument that precedes the folder.

    Raises:
        UsageError: There is none.
    """
    for program, verb in _BUILDERS:
        if found := shutil.which(program):
            return found, verb
    raise UsageError(
        f"-k {folder}: needs kubectl or kustomize on the PATH; elsewhere, kubectl kustomize {folder} > all.yaml writes"
        " a file for -f"
    )


def standard_input() -> BinaryIO:
    """Return the stream of ``-``; it is empty in a process that was started without standard input."""
    return io.BytesIO() if sys.stdin is None else sys.stdin.buffer
