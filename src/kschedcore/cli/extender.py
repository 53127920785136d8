"""``kschedcore extender -f …``: serve the scheduler extender protocol to a kube-scheduler."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from kschedcore.cli.coverage import report_coverage
from kschedcore.cli.inputs import build_engine, load
from kschedcore.cli.options import SchedulerFlags, Sources, Strict
from kschedcore.cli.output import write

__all__ = ["EPILOG", "command"]

EPILOG = """\
Example:
  kschedcore extender -f cluster.json --port 8000 --api http://127.0.0.1:8001
"""

Host = Annotated[
    str,
    typer.Option(
        "--host", metavar="ADDRESS", help="The address to listen on; requests are not authenticated."
    ),
]
Port = Annotated[
    int, typer.Option("--port", metavar="PORT", min=0, max=65535, help="The port; 0 takes a free one.")
]
ApiServer = Annotated[
    str | None,
    typer.Option(
        "--api",
        metavar="URL",
        help="The API server that bind writes to, as kubectl proxy offers it. Without it, pods are accounted only.",
    ),
]


def command(
    sources: Sources,
    scheduler: SchedulerFlags,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    api: ApiServer = None,
    strict: Strict = False,
) -> None:
    """Answer a kube-scheduler as its extender, until interrupted.

    The verbs are filter, prioritize, preempt and bind, those of k8s.io/kube-scheduler/extender/v1; whether the
    extender is nodeCacheCapable is the scheduler's configuration's to say. The cluster in the manifests is what the
    answers begin with.
    """
    from kschedcore.extender.api_client import HTTPAPI
    from kschedcore.extender.server import ExtenderServer
    from kschedcore.extender.verbs import Extender

    manifests = load(sources)
    report_coverage(manifests, strict=strict)
    api_server = None if api is None else HTTPAPI(api)
    extender = Extender(
        build_engine(manifests, scheduler),
        manifests.bound,
        api=api_server,
    )
    with ExtenderServer(extender, host, port) as server:
        write(f"answering at {server.url}\n")
        sys.stdout.flush()
        server.serve_forever()
