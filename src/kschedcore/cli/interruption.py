"""Ctrl-C: a command prints its results until then, marked partial, and exits with 130."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import typer

from kschedcore.cli.exits import INTERRUPTED
from kschedcore.errors import Interrupted

if TYPE_CHECKING:
    from kschedcore.api.objects import Pod
    from kschedcore.cli.why_not import Inquiries, WhyNot

__all__ = ["Interruption"]

Done = TypeVar("Done")


class Interruption:
    """Whether Ctrl-C was pressed while a command did its work.

    Attributes:
        partial: Whether it was, so that the results are partial.
    """

    def __init__(self) -> None:
        self.partial = False

    def run_batch(self, batch: Callable[[], Done], nothing: Done) -> Done:
        """Return the result of a batch, or the part of it that was finished before Ctrl-C.

        Args:
            batch: The work, which raises :class:`~kschedcore.errors.Interrupted` with the finished part.
            nothing: The result when nothing was finished.
        """
        finished = nothing

        def work() -> Done:
            nonlocal finished
            try:
                return batch()
            except Interrupted as error:
                finished = error.decisions
                raise

        done = self.run(work)
        return finished if done is None else done

    def run(self, work: Callable[[], Done]) -> Done | None:
        """Return the result of the work; None when it is not finished, or not begun, because of Ctrl-C."""
        if self.partial:
            return None
        try:
            return work()
        except KeyboardInterrupt:
            self.partial = True
            return None

    def end(self) -> None:
        """End the command with the status of an interrupted one, if it was.

        Raises:
            Exit: It was.
        """
        if self.partial:
            raise typer.Exit(INTERRUPTED)


class InterruptibleInquiries:
    """Results of :class:`~kschedcore.cli.why_not.Inquiries`, none after Ctrl-C."""

    def __init__(self, inquiries: Inquiries, interruption: Interruption) -> None:
        self._inquiries = inquiries
        self._interruption = interruption

    def answer(self, pod: Pod) -> WhyNot | None:
        """Return why a pod fits no node; None once interrupted."""
        return self._interruption.run(lambda: self._inquiries.answer(pod))

    def after(self, pod: Pod, replicas: int) -> WhyNot | None:
        """Return the constraints for one more replica of a pod; None once interrupted."""
        return self._interruption.run(lambda: self._inquiries.after(pod, replicas))
