"""The kubeconfig with which clients reach a server."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import yaml

from kschedcore.errors import UsageError
from kschedcore.serving.certificates import KeyPair

__all__ = ["kubeconfig", "write_private"]

NAME = "kschedcore"


def kubeconfig(url: str, authority: bytes, client: KeyPair, *, namespace: str = "default") -> str:
    """Return a kubeconfig as YAML.

    Args:
        url: The server.
        authority: The certificate of its authority, PEM.
        client: The client's certificate and key.
        namespace: The namespace of the context.
    """
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": NAME,
                    "cluster": {"server": url, "certificate-authority-data": _base64(authority)},
                }
            ],
            "users": [
                {
                    "name": NAME,
                    "user": {
                        "client-certificate-data": _base64(client.certificate),
                        "client-key-data": _base64(client.key),
                    },
                }
            ],
            "contexts": [{"name": NAME, "context": {"cluster": NAME, "user": NAME, "namespace": namespace}}],
            "current-context": NAME,
        },
        sort_keys=False,
    )


def write_private(path: Path, text: str, *, replace: bool) -> None:
    """Write a file that only its owner may read.

    Raises:
        UsageError: It exists and is not to be replaced, or cannot be written.
    """
    try:
        if replace:
            path.unlink(missing_ok=True)
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "w", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise UsageError(
            f"{path}: the file exists; choose another with --kubeconfig, or give --overwrite"
        ) from None
    except OSError as fault:
        raise UsageError(f"{path}: {fault.strerror}") from None


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
