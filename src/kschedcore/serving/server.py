"""A cluster that is served over HTTPS."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Collection, Coroutine, Iterator
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import uvicorn

from kschedcore.api.durations import Span, duration
from kschedcore.client.transport import ADMINISTRATOR
from kschedcore.cluster.cluster import Cluster
from kschedcore.errors import UsageError
from kschedcore.serving.app import Application
from kschedcore.serving.certificates import Authority, KeyPair
from kschedcore.serving.connections import Connection
from kschedcore.serving.documents import Documents
from kschedcore.serving.driver import Driver
from kschedcore.serving.kubeconfig import kubeconfig

__all__ = ["ServedCluster", "serve"]

CONNECTIONS = 2048
"""Maximum number of connections or requests at a time; more get 503."""
KEEP_ALIVE_SECONDS = 180
_GRACEFUL_SECONDS = 5
_BACKLOG = 1024

_T = TypeVar("_T")


class ServedCluster:
    """Serves the API of a cluster on a socket, and runs its components between the requests.

    All of it happens in one thread: the one that calls :meth:`run`, or one of its own after :meth:`start`. The
    cluster belongs to that thread while it is served; :meth:`call` runs a function there.

    Args:
        cluster: The cluster.
        host: The address to listen on.
        port: The port; 0 takes a free one.
        eager: Whether time jumps to the next timer whenever no component has work, see
            :class:`~kschedcore.serving.driver.Driver`.

    Attributes:
        url: The URL of the server.
        kubeconfig: A kubeconfig for it, as YAML; it holds the key of an administrator.

    Raises:
        UsageError: The address cannot be listened on.
    """

    def __init__(
        self, cluster: Cluster, *, host: str = "127.0.0.1", port: int = 0, eager: bool = False
    ) -> None:
        self._cluster, self._eager = cluster, eager
        self._socket = _listen(host, port)
        bound: int = self._socket.getsockname()[1]
        self.url = f"https://{f'[{host}]' if ':' in host else host}:{bound}"
        authority = Authority()
        self._context = _tls(
            authority,
            authority.server(
                [
                    host,
                    "localhost",
                    "127.0.0.1",
                    "::1",
                    "kubernetes",
                    "kubernetes.default",
                    "kubernetes.default.svc",
                ]
            ),
        )
        client = authority.client(ADMINISTRATOR)
        self.kubeconfig = kubeconfig(self.url, authority.certificate, client, namespace=cluster.namespace)
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread: threading.Thread | None = None
        self._uvicorn: _Server | None = None

    def run(self, started: Callable[[], None] = lambda: None) -> None:
        """Serve in the calling thread until :meth:`stop`.

        Args:
            started: Called once the server accepts requests.
        """
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(self._serve(started))

    def start(self) -> Self:
        """Serve in a thread of its own; returns once the server accepts requests."""
        self._thread = threading.Thread(target=self._run_thread, name="kschedcore-server", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure
        return self

    def stop(self) -> None:
        """Answer the requests that have begun, end the watches and stop; may be called from a signal handler."""
        if self._uvicorn is None:
            self._socket.close()
        else:
            self._uvicorn.stop()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
            self._thread = None

    def __enter__(self) -> Self:
        return self if self._thread is not None else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def watches(self) -> Collection[object]:
        """The watches that clients have open."""
        return self._app.watches

    # From other threads

    def call(self, function: Callable[[Cluster], _T]) -> _T:
        """Call a function with the cluster in the server's thread, between requests, and return its result."""

        async def called() -> _T:
            result = function(self._cluster)
            self._wrote()
            return result

        return self._wait_for(called())

    def run_for(self, span: Span) -> None:
        """Advance the time by a span, with all the work on the way; requests are answered between."""
        when = self._cluster.clock.now() + duration(span)
        self._wait_for(self._driver.run_until(when))

    def run_until(self, when: datetime) -> None:
        """Advance the time to a point in time."""
        self._wait_for(self._driver.run_until(when))

    def run_until_settled(self, timeout: Span = "1h") -> bool:
        """Advance the time until only periodic work is left; whether that was reached within ``timeout``."""
        return self._wait_for(self._driver.run_until_settled(duration(timeout)))

    def _wait_for(self, work: Coroutine[Any, Any, _T]) -> _T:
        if self._thread is None:
            work.close()
            raise UsageError("the cluster is not served by a thread of its own: call start() first")
        return asyncio.run_coroutine_threadsafe(work, self._event_loop).result()

    # The server's thread

    def _run_thread(self) -> None:
        try:
            self.run(self._ready.set)
        except BaseException as failure:
            self._failure = failure
            self._ready.set()

    async def _serve(self, started: Callable[[], None]) -> None:
        self._event_loop = asyncio.get_running_loop()
        plane = self._cluster.control_plane
        documents = Documents(
            self.url.removeprefix("https://"),
            {"ping": lambda: None, "log": lambda: None, "etcd": lambda: None},
            lambda: "",
        )
        self._app = Application(plane.server, documents, self._wrote)
        self._driver = Driver(plane.loop, plane.clock, self._announce, eager=self._eager)
        self._revision = -1
        config = uvicorn.Config(
            self._app, http=Connection, ws="none", lifespan="off", log_config=None, access_log=False,
            server_header=False, date_header=True, limit_concurrency=CONNECTIONS,
            timeout_keep_alive=KEEP_ALIVE_SECONDS, timeout_graceful_shutdown=_GRACEFUL_SECONDS,
            backlog=_BACKLOG, ssl_context_factory=lambda *_: self._context,
        )  # fmt: skip
        self._uvicorn = _Server(config, started, self._app.stop)
        components = asyncio.ensure_future(self._driver.run())
        try:
            await self._uvicorn.serve(sockets=[self._socket])
        finally:
            components.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await components

    def _wrote(self) -> None:
        """Handle a request that may have written."""
        self._driver.wake()
        self._announce()

    def _announce(self) -> None:
        revision = self._cluster.control_plane.server.store.backend.revision
        if revision != self._revision:
            self._revision = revision
            self._app.announcer.announce()


def serve(
    cluster: Cluster, *, host: str = "127.0.0.1", port: int = 0, eager: bool | None = None
) -> ServedCluster:
    """Serve a cluster over HTTPS in a thread of its own, on a free port of the loopback address.

    Args:
        cluster: The cluster; it belongs to the server's thread from now on.
        host: The address to listen on.
        port: The port; 0 takes a free one.
        eager: Whether time jumps to the next timer whenever no component has work.

    Returns:
        The server, which is a context manager; clients use its ``kubeconfig``.
    """
    return ServedCluster(cluster, host=host, port=port, eager=bool(eager)).start()


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers."""

    def __init__(
        self, config: uvicorn.Config, started: Callable[[], None], stopping: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._has_started, self._stopping = started, stopping

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the program."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and report it."""
        await super().startup(sockets)
        self._has_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the watches, then wait for the other requests."""
        self._stopping()
        await super().shutdown(sockets)

    def stop(self) -> None:
        """Stop soon."""
        self.should_exit = True


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes uvloop's event loops, where it is installed."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as fault:
        listener.close()
        raise UsageError(f"{host}:{port}: cannot listen there: {fault.strerror or fault}") from None
    listener.listen(_BACKLOG)
    return listener


def _tls(authority: Authority, server: KeyPair) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(cadata=authority.certificate.decode())
    context.set_alpn_protocols(["http/1.1"])
    # The ssl module reads a server's key from a file only.
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "server.pem"
        file.touch(mode=0o600)
        file.write_bytes(server.key + server.certificate)
        context.load_cert_chain(file)
    return context
