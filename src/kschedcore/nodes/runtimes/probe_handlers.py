"""The results of probes by handler: exec, grpc, httpGet, tcpSocket (``v1.ProbeHandler``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kschedcore.nodes.runtimes.behaviour import Answer

__all__ = ["failure_of"]

_OK, _REDIRECTED_NO_MORE = 200, 400


def failure_of(probe: Mapping[str, Any], answer: Answer) -> str:
    """Return kubelet's error message for a response to a probe; ``""`` if it succeeds."""
    timeout = probe.get("timeoutSeconds", 1)
    if answer.seconds > timeout:
        return _timed_out(probe, timeout)
    if answer.succeeds is not None:
        return "" if answer.succeeds else "the container does not answer as it should"
    if "exec" in probe:
        return "" if answer.exit_code == 0 else f"command failed with exit code {answer.exit_code}"
    if "httpGet" in probe:
        status = answer.http_status
        return "" if _OK <= status < _REDIRECTED_NO_MORE else f"HTTP probe failed with statuscode: {status}"
    if "tcpSocket" in probe:
        port = probe["tcpSocket"].get("port", "")
        return "" if answer.port_open else f"dial tcp :{port}: connect: connection refused"
    if "grpc" in probe:
        serving = answer.grpc_status == "SERVING"
        return "" if serving else f'service unhealthy (responded with "{answer.grpc_status}")'
    return ""


def _timed_out(probe: Mapping[str, Any], timeout: int) -> str:
    if "exec" in probe:
        command = " ".join(probe["exec"].get("command", ()))
        return f'command timed out: "{command}" timed out after {timeout}s'
    if "grpc" in probe:
        return f"timeout: failed to connect service within {timeout}s: context deadline exceeded"
    return "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
