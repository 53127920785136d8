"""The API server with the controllers of the recordings beside it."""

from __future__ import annotations

from kschedcore.apiserver import APIServer
from kschedcore.clock import SimulatedClock
from kschedcore.conformance.settling import Settling


class SettledServer(APIServer):
    """An API server whose controllers run when they are told to."""

    def __init__(self) -> None:
        clock = SimulatedClock()
        super().__init__(clock=clock)
        self._controllers = Settling(self, clock)

    def settle(self) -> None:
        """Run the controllers until none of them changes anything."""
        self._controllers.settle()
