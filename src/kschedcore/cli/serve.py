"""``kschedcore serve``: a cluster for kubectl, helm and every other client."""

from __future__ import annotations

import contextlib
import ipaddress
import signal
import sys
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kschedcore.cli.counts import check_counts
from kschedcore.cli.coverage import report_not_considered
from kschedcore.cli.inputs import read_config, release
from kschedcore.cli.options import SchedulerFlags, Sources
from kschedcore.cli.output import write
from kschedcore.cli.sources import documents_of, validation_of
from kschedcore.errors import APIWarning, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kschedcore.cluster import Cluster
    from kschedcore.manifests.loading import Document

__all__ = ["EPILOG", "command"]

EPILOG = """\
Example, in two terminals:
  kschedcore serve --nodes 1000
  kubectl --kubeconfig kschedcore.kubeconfig get nodes
"""
_NODES = 3
_EXTRA = "serving needs more packages: pip install 'kschedcore[serve]'"

Nodes = Annotated[
    int | None,
    typer.Option(
        "--nodes",
        metavar="N",
        min=0,
        help="So many plain nodes beside those in the files; 3 if there are none.",
    ),
]
Bind = Annotated[
    str, typer.Option("--bind", metavar="ADDRESS:PORT", help="Where to listen; port 0 takes a free one.")
]
Kubeconfig = Annotated[
    Path,
    typer.Option(
        "--kubeconfig", metavar="PATH", help="Where to write the kubeconfig; it is removed at the end."
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the kubeconfig if there is one.")]
Speed = Annotated[
    str,
    typer.Option(
        "--speed",
        metavar="FACTOR",
        help="How fast time passes: 1 as the machine's, 60 a minute a second, max jumps over all waiting.",
    ),
]
Without = Annotated[
    str | None,
    typer.Option(
        "--without",
        metavar="NAMES",
        help="Components not to run: scheduler, controllers, nodes, or a controller by its name, with commas.",
    ),
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="For everything that is drawn.")]


def command(
    sources: Sources,
    scheduler: SchedulerFlags,
    nodes: Nodes = None,
    bind: Bind = "127.0.0.1:6443",
    kubeconfig: Kubeconfig = Path("kschedcore.kubeconfig"),
    overwrite: Overwrite = False,
    speed: Speed = "1",
    without: Without = None,
    seed: Seed = 0,
) -> None:
    """Serve a cluster over HTTPS, as a Kubernetes API server does, until interrupted.

    Objects in the files are in the cluster from the start. Clients authenticate with the kubeconfig's certificate,
    and whoever does may do anything: roles are not enforced.
    """
    try:
        from kschedcore.serving.kubeconfig import write_private
        from kschedcore.serving.server import ServedCluster
    except ModuleNotFoundError as missing:
        raise UsageError(f"{_EXTRA} (there is no module {missing.name!r})") from None

    host, port = _address(bind)
    factor, eager = _factor(speed)
    if kubeconfig.exists() and not overwrite:
        raise UsageError(f"--kubeconfig {kubeconfig}: the file exists; name another, or give --overwrite")
    documents = _documents(sources)
    if nodes is None and not _has_nodes(documents):
        nodes = _NODES
    cluster = _cluster(documents, nodes or 0, factor, scheduler, without or "", seed)
    report_not_considered(cluster.left_aside, strict=False)
    served = ServedCluster(cluster, host=host, port=port, eager=eager)
    signal.signal(signal.SIGTERM, lambda *_: served.stop())
    signal.signal(signal.SIGINT, lambda *_: served.stop())
    try:
        write_private(kubeconfig, served.kubeconfig, replace=overwrite)
        served.run(lambda: _announce(served.url, cluster, scheduler.kubernetes, kubeconfig))
    finally:
        served.stop()
        _remove(kubeconfig, served.kubeconfig)


def _remove(kubeconfig: Path, text: str) -> None:
    """Remove the kubeconfig, unless it is another server's by now."""
    with contextlib.suppress(OSError):
        if kubeconfig.read_text() == text:
            kubeconfig.unlink()


def _documents(sources: Sources) -> list[Document]:
    from kschedcore.manifests.fields import check_documents

    if not sources.filename and not sources.kustomize:
        return []
    documents = documents_of(sources)
    for warning in check_documents(documents, validation_of(sources)):
        sys.stderr.write(f"warning: {warning}\n")
    check_counts(document.data for document in documents)
    return documents


def _cluster(
    documents: list[Document],
    nodes: int,
    factor: float,
    scheduler: SchedulerFlags,
    without: str,
    seed: int,
) -> Cluster:
    from kschedcore.cluster import Cluster
    from kschedcore.cluster.initial import plain_node
    from kschedcore.serving.clock import PacedClock

    with warnings.catch_warnings():
        # Fields of new objects were checked before, with their places; those of a dump may be of a later version.
        warnings.filterwarnings("ignore", "unknown field", APIWarning)
        return Cluster(
            PacedClock(datetime.now(UTC), factor),
            nodes=[*map(plain_node, range(1, nodes + 1)), *documents],
            seed=seed,
            config=None if scheduler.config is None else read_config(scheduler.config),
            kubernetes=release(scheduler),
            without=[name for name in without.split(",") if name],
        )


def _has_nodes(documents: Iterable[Document]) -> bool:
    from kschedcore.manifests.documents import objects_in

    return any(whole.kind == "Node" for each in documents for whole in objects_in(each, "default"))


def _announce(url: str, cluster: Cluster, kubernetes: str, kubeconfig: Path) -> None:
    count = len(cluster.list("nodes"))
    write(
        f"serving Kubernetes v{kubernetes} with {count} node{'' if count == 1 else 's'} at {url}\n"
        "whoever has the kubeconfig may do anything: roles are stored, not enforced\n"
        f"export KUBECONFIG={kubeconfig.absolute()}\n"
    )
    sys.stdout.flush()


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not port.isdecimal() or int(port) > 0xFFFF:
        raise UsageError(f"--bind {text}: expected ADDRESS:PORT, such as 127.0.0.1:6443")
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        raise UsageError(f"--bind {text}: {host!r} is no address") from None
    if not loopback:
        raise UsageError(
            f"--bind {text}: only loopback addresses are served, since roles are not enforced yet"
        )
    return host, int(port)


def _factor(text: str) -> tuple[float, bool]:
    """Return how fast time passes, and whether it jumps over waiting."""
    if text == "max":
        return 1.0, True
    try:
        factor = float(text)
    except ValueError:
        factor = -1.0
    if not 0 < factor <= 1e6:
        raise UsageError(f"--speed {text}: expected a number above 0, or max")
    return factor, False
