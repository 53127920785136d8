"""The API server with the controllers of the recordings beside it."""

from __future__ import annotations

from kschedcore.apiserver import APIServer
from kschedcore.cli.recordings.settling import settle


class Door(APIServer):
    """An API server whose controllers run when they are told to."""

    def settle(self) -> None:
        """Run the controllers until none of them changes anything."""
        settle(self)
