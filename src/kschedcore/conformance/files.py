"""Find recordings and read their cases, plain or compressed."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from kschedcore.conformance.results import Case
from kschedcore.errors import ManifestError, NotFoundError

__all__ = ["find", "read", "stem", "version_of"]

SUFFIXES = (".jsonl", ".jsonl.gz", ".json", ".json.gz")
GZIP_MAGIC = b"\x1f\x8b"
_VERSION_FOLDER = re.compile(r"v(\d+\.\d+)")


def find(paths: Iterable[str]) -> list[Path]:
    """Return the recordings at the paths, the contents of a folder sorted by path.

    Args:
        paths: Files and folders; a folder includes every recording below it.

    Raises:
        NotFoundError: A path does not exist, or a folder holds no recording.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        if not path.exists():
            raise NotFoundError(f"{path}: no such file or folder")
        inside = sorted(each for each in path.rglob("*") if is_recording(each)) if path.is_dir() else [path]
        if not inside:
            raise NotFoundError(f"{path}: no recordings here; expected files named *{', *'.join(SUFFIXES)}")
        found += inside
    return list(dict.fromkeys(found))


def is_recording(path: Path) -> bool:
    """Return whether the file's name has a suffix of a recording."""
    return path.name.endswith(SUFFIXES) and path.is_file()


def stem(path: Path) -> str:
    """Return the file's name without the suffixes of its format."""
    suffix = next((each for each in SUFFIXES if path.name.endswith(each)), "")
    return path.name.removesuffix(suffix)


def version_of(path: Path) -> str | None:
    """Return the version of Kubernetes that was recorded, ``1.36``: that of the nearest folder named ``v1.36``."""
    names = [parent.name for parent in path.absolute().parents]
    return next((found[1] for name in names if (found := _VERSION_FOLDER.fullmatch(name))), None)


def read(path: Path) -> Iterator[Case]:
    """Yield the cases of a recording: one per line, or one in the whole file.

    A case gets the recording's version under the key ``kubernetes``, unless it has that key.

    Raises:
        ManifestError: The file cannot be read, decompressed or parsed, or a case is not an object.
    """
    content, version = _content(path), version_of(path)
    lines = content.splitlines() if ".jsonl" in path.name else [content]
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            case = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ManifestError(f"not JSON: {error}", source=str(path), line=number) from None
        if not isinstance(case, dict):
            problem = (
                f"found {type(case).__name__}, expected a case: an object with cluster, pending, expected"
            )
            raise ManifestError(problem, source=str(path), line=number)
        yield case if version is None else {"kubernetes": version, **case}


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content.startswith(GZIP_MAGIC) else content
    except OSError as error:
        raise ManifestError(error.strerror or str(error), source=str(path)) from None
    except (EOFError, zlib.error):
        raise ManifestError("truncated or damaged gzip data", source=str(path)) from None
