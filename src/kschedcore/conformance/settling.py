"""Run the controllers that ran beside the recorded API server until they are idle."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from kschedcore.client.informer import Informers
from kschedcore.client.loop import Loop
from kschedcore.client.verbs import Client
from kschedcore.controllers.controller import Context, Controller, Runner
from kschedcore.controllers.namespace import NamespaceController
from kschedcore.controllers.resourcequota import ResourceQuotaController
from kschedcore.controllers.rootcacertpublisher import RootCACertPublisher
from kschedcore.controllers.serviceaccount import ServiceAccountController

if TYPE_CHECKING:
    from kschedcore.apiserver import APIServer
    from kschedcore.clock import SimulatedClock

__all__ = ["Settling"]

_CERTIFICATE = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"
_LONG_ENOUGH = timedelta(minutes=1)


class Settling:
    """The controllers that run with an API server; a recording's ``settle`` steps run them.

    Args:
        server: The API server.
        clock: The server's clock.
        root_certificates: Whether the root CA publisher runs.
    """

    def __init__(self, server: APIServer, clock: SimulatedClock, *, root_certificates: bool = True) -> None:
        informers = Informers(server.internal)
        context = Context(Client(server.internal, "kube-controller-manager"), informers, clock)
        self._loop = Loop(clock, informers)
        controllers: list[Controller] = [
            ServiceAccountController(context),
            ResourceQuotaController(context),
            NamespaceController(context),
        ]
        if root_certificates:
            controllers.insert(1, RootCACertPublisher(context, _CERTIFICATE))
        for controller in controllers:
            self._loop.add(controller.name, Runner(controller, context))

    def settle(self) -> None:
        """Run the controllers until they are idle."""
        self._loop.run_until_settled(_LONG_ENOUGH)
