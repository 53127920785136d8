"""The encoders extension (cel-go's ``ext/encoders.go``), which Kubernetes does not have yet."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from kschedcore.cel import types
from kschedcore.cel.declarations import Library, function, overloads
from kschedcore.cel.errors import EvaluationError

__all__ = ["LIBRARY"]


def _decode(text: str) -> bytes:
    # Padding may be missing, as in cel-go.
    padded = text if text.endswith("=") else text + "=" * (-len(text) % 4)
    try:
        return base64.b64decode(padded, validate=True)
    except (binascii.Error, ValueError):
        raise EvaluationError("illegal base64 data") from None


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


LIBRARY: Final = Library(
    "encoders",
    overloads(
        ("base64.decode", [function("base64_decode_string", (types.STRING,), types.BYTES, _decode)]),
        ("base64.encode", [function("base64_encode_bytes", (types.BYTES,), types.STRING, _encode)]),
    ),
)
