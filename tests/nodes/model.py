"""The rules of a pod's life once more, in the plainest way: counters for the phase, seconds for restarts.

Written from the rules (kubelet's ``getPhase``, the pod lifecycle's documentation), importing nothing of ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Role = Literal["init", "sidecar", "app"]


@dataclass(frozen=True)
class State:
    """The state of one container: ``waiting``, ``running`` or ``terminated``, and its exit if it has one."""

    role: Role
    state: str
    code: int = 0
    started: bool = True
    last: int | None = None


def phase(policy: str, containers: Sequence[State], *, over: bool) -> str:
    """Count, then decide, as kubelet does."""
    pending_init = failed_init = pending_sidecar = 0
    running = waiting = stopped = succeeded = 0
    for each in containers:
        if each.role == "init":
            if each.state == "running":
                pending_init += 1
            elif each.state == "terminated":
                failed_init += each.code != 0
            elif each.last is None:
                pending_init += 1
            else:
                failed_init += each.last != 0
        elif each.role == "sidecar":
            if each.state == "running":
                running += 1
                pending_sidecar += not each.started
            elif each.state == "waiting" and each.last is None:
                waiting += 1
                pending_sidecar += 1
        elif each.state == "running":
            running += 1
        elif each.state == "terminated":
            stopped += 1
            succeeded += each.code == 0
        elif each.last is not None:
            stopped += 1
        else:
            waiting += 1
    app_started = any(
        each.role == "app" and (each.state != "waiting" or each.last is not None) for each in containers
    )
    if failed_init and policy == "Never":
        return "Failed"
    if pending_init or (pending_sidecar and not app_started) or waiting:
        return "Pending"
    if running:
        return "Running"
    if over:
        return "Succeeded" if stopped == succeeded else "Failed"
    if policy == "Always":
        return "Running"
    if stopped == succeeded:
        return "Succeeded"
    return "Failed" if policy == "Never" else "Running"


@dataclass
class Machine:
    """One container of a pod, followed second by second.

    Attributes:
        policy: The pod's restart policy.
        runs: How long each run lasts and how it ends; the last one is repeated.
        stop_seconds: The seconds between the signal to stop and its end.
        grace: The pod's grace period.
        log: What happened, each with its second.
    """

    policy: str
    runs: Sequence[tuple[int, int]]
    stop_seconds: int
    grace: int
    log: list[tuple[str, int]] = field(default_factory=list)

    def live(self, until: int, deleted_at: int | None) -> None:
        """Follow it from second 0 to second ``until``; what happens at its deletion happens before that."""
        attempt, begun, delay = 0, 0, 0
        ended: int | None = None
        tried: int | None = None
        gone_at: int | None = None
        self.log.append(("start", 0))
        for now in range(until + 1):
            length, code = self.runs[min(attempt, len(self.runs) - 1)]
            if ended is None and now == begun + length:
                if gone_at is not None:
                    gone_at = now
                else:
                    ended = now
                    self.log.append((f"exit {code}", now))
                    if self.policy == "Never" or (self.policy == "OnFailure" and code == 0):
                        self.log.append(("over", now))
                        return
            if ended is not None:
                forgotten = tried is None or ended - tried > 600
                wait = 0 if forgotten else delay
                if now >= ended + wait:
                    delay = 10 if forgotten else min(2 * delay, 300)
                    tried, begun, ended = now, now, None
                    attempt += 1
                    self.log.append(("start", now))
            if now == deleted_at:
                gone_at = now if ended is not None else now + min(self.stop_seconds, self.grace)
            if now == gone_at:
                self.log.append(("gone", now))
                return
