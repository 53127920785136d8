"""The loop that drives a cluster: components take turns, and time passes when none has anything to do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from kschedcore.client.informer import Informers
from kschedcore.clock import Timers
from kschedcore.errors import LivelockError

__all__ = ["MOST_ROUNDS", "Component", "Loop"]

MOST_ROUNDS = 100_000
"""How many rounds of work may follow each other at one moment of simulated time."""


class Component(Protocol):
    """Something that works in small steps: a controller, the scheduler, the node agents."""

    def step(self) -> bool:
        """Do the next piece of work; False when there is none."""

    def close(self) -> None:
        """Stop listening and forget everything that was to come."""


class Loop:
    """Drives components, one step each in turn, in one thread.

    Args:
        clock: Passes when nothing is left to do.
        informers: Take in what happened before each round, which tells the components.
    """

    def __init__(self, clock: Timers, informers: Informers) -> None:
        self.clock = clock
        self._informers = informers
        self._components: dict[str, Component] = {}

    def add(self, name: str, component: Component) -> None:
        """Have a component take its turns."""
        self._components[name] = component

    def component(self, name: str) -> Component:
        """Return the component that runs under a name now."""
        return self._components[name]

    def remove(self, name: str) -> None:
        """Stop a component at whatever point it is."""
        self._components.pop(name).close()

    def replace(self, name: str, make: Callable[[], Component]) -> None:
        """Stop a component and start a new one in its place, as a restart does."""
        self._components[name].close()
        self._components[name] = make()

    def round(self) -> bool:
        """One turn for everybody who has work; whether anybody had."""
        changed = self._informers.sync()
        worked = [component.step() for component in list(self._components.values())]
        return changed or any(worked)

    def run_ready(self) -> None:
        """Work until nothing is left to do at this time."""
        begun, rounds = self.clock.now(), 0
        while self.round() or self._fire():
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
        """Call every timer that is due: what comes due at one time is one round's work."""
        fired = False
        while self.clock.fire():
            fired = True
        return fired

    def run_until(self, when: datetime) -> None:
        """Work until ``when``."""
        self.run_ready()
        while (due := self.clock.next) is not None and due <= when:
            self.clock.wait(due)
            self.run_ready()
        self.clock.wait(when)
        self.run_ready()

    def run_while(self, wanting: Callable[[], bool], timeout: timedelta) -> bool:
        """Work as long as something is wanting, which is asked after every round.

        Returns:
            Whether it came about within ``timeout`` that nothing is wanting.
        """
        end = self.clock.now() + timeout
        while wanting():
            if self.round() or self._fire():
                continue
            due = self.clock.next
            if due is None or due > end:
                self.clock.wait(end)
                return not wanting()
            self.clock.wait(due)
        return True

    def run_until_settled(self, timeout: timedelta) -> bool:
        """Work until nothing is left to do now and no timer but those of the background is set.

        Returns:
            Whether that came about within ``timeout``.
        """
        end = self.clock.now() + timeout
        self.run_ready()
        while (foreground := self.clock.next_foreground) is not None:
            if foreground > end:
                self.run_until(end)
                return False
            # What is due in the background before then comes first.
            due = self.clock.next
            self.clock.wait(foreground if due is None else min(due, foreground))
            self.run_ready()
        return True
