"""The event loop of a cluster: runs components in turn, and advances the time when all are idle."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from kschedcore.client.informer import Informers
from kschedcore.clock import Timers
from kschedcore.errors import LivelockError

__all__ = ["MOST_ROUNDS", "Component", "Loop"]

MOST_ROUNDS = 100_000
"""Maximum number of consecutive rounds at one moment of simulated time."""


class Component(Protocol):
    """Something that works in small steps: a controller, the scheduler, the node agents."""

    def step(self) -> bool:
        """Do the next piece of work; False when there is none."""

    def close(self) -> None:
        """Stop listening and drop all queued work."""


class Loop:
    """Runs components, one step each in turn, in one thread.

    Args:
        clock: The clock, which advances when all components are idle.
        informers: The informers, which are synced before each round.
    """

    def __init__(self, clock: Timers, informers: Informers) -> None:
        self.clock = clock
        self._informers = informers
        self._components: dict[str, Component] = {}

    def add(self, name: str, component: Component) -> None:
        """Add a component."""
        self._components[name] = component

    def component(self, name: str) -> Component:
        """Return the component with a name."""
        return self._components[name]

    def remove(self, name: str) -> None:
        """Stop and remove a component."""
        self._components.pop(name).close()

    def replace(self, name: str, make: Callable[[], Component]) -> None:
        """Stop a component and start a new one in its place, as a restart does."""
        self._components[name].close()
        self._components[name] = make()

    def round(self) -> bool:
        """Run one step of every component; return whether any had work."""
        changed = self._informers.sync()
        worked = [component.step() for component in list(self._components.values())]
        return changed or any(worked)

    def turn(self) -> bool:
        """Do one round of work, or call the timers that are due when there is none; False when nothing is left."""
        return self.round() or self._fire()

    def run_ready(self) -> None:
        """Run until all components are idle at the present time."""
        begun, rounds = self.clock.now(), 0
        while self.turn():
            rounds += 1
            if rounds > MOST_ROUNDS and self.clock.now() == begun:
                raise LivelockError(
                    f"{rounds} rounds of work at {begun.isoformat()} and no end: "
                    f"{', '.join(self._busy())} go round in circles"
                )

    def _busy(self) -> list[str]:
        """Return the names of the components that have work in the next rounds."""
        busy = dict[str, None]()
        for _ in range(10):
            self._informers.sync()
            busy.update({name: None for name, each in list(self._components.items()) if each.step()})
        return list(busy)

    def _fire(self) -> bool:
        """Call all timers that are due: timers due at the same time belong to one round."""
        fired = False
        while self.clock.fire():
            fired = True
        return fired

    def run_until(self, when: datetime) -> None:
        """Run until ``when``."""
        self.run_ready()
        while (due := self.clock.next) is not None and due <= when:
            self.clock.wait(due)
            self.run_ready()
        self.clock.wait(when)
        self.run_ready()

    def run_while(self, wanting: Callable[[], bool], timeout: timedelta) -> bool:
        """Run while a condition holds, which is evaluated after every round.

        Returns:
            Whether the condition became false within ``timeout``.
        """
        end = self.clock.now() + timeout
        while wanting():
            if self.turn():
                continue
            due = self.clock.next
            if due is None or due > end:
                self.clock.wait(end)
                return not wanting()
            self.clock.wait(due)
        return True

    def run_until_settled(self, timeout: timedelta) -> bool:
        """Run until all components are idle and only background timers are set.

        Returns:
            Whether that was reached within ``timeout``.
        """
        end = self.clock.now() + timeout
        self.run_ready()
        while (foreground := self.clock.next_foreground) is not None:
            if foreground > end:
                self.run_until(end)
                return False
            # Background timers that are due before then are called first.
            due = self.clock.next
            self.clock.wait(foreground if due is None else min(due, foreground))
            self.run_ready()
        return True
