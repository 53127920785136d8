"""Histories contain objects at the edges of what the API server accepts, and a component that fails on one is found."""

from __future__ import annotations

import logging
from random import Random
from typing import Any

import pytest

from kschedcore.apiserver import APIServer
from kschedcore.chaos.generator import random_history
from kschedcore.chaos.histories import History, Request, Run
from kschedcore.chaos.poison import POISONS, poison
from kschedcore.chaos.runner import CRASH, run_history
from kschedcore.controllers.cronjob import CronJobController

CRONJOBS = "/apis/batch/v1/namespaces/default/cronjobs"


def begin() -> list[Request]:
    """The objects that patches of poison are for."""
    spec: dict[str, Any] = {"containers": [{"name": "c", "image": "i"}], "restartPolicy": "Never"}
    job = {"spec": {"template": {"spec": spec}}}
    budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
    tick = {"metadata": {"name": "tick"}, "spec": {"schedule": "0 0 1 1 *", "jobTemplate": job}}
    web = {"metadata": {"name": "web"}, "spec": {"maxUnavailable": 1, "selector": {}}}
    size = {"cpu": "2", "memory": "4Gi", "pods": "8"}
    node = {"metadata": {"name": "node-1"}, "status": {"capacity": size, "allocatable": size}}
    account = {"metadata": {"name": "default"}}
    return [
        Request("POST", "/api/v1/namespaces/default/serviceaccounts", account),
        Request("POST", "/api/v1/nodes", node),
        Request("POST", "/api/v1/namespaces/default/pods", {"metadata": {"name": "bare-web"}, "spec": spec}),
        Request("POST", budgets, web),
        Request("POST", CRONJOBS, tick),
    ]


@pytest.mark.parametrize("kind", POISONS, ids=lambda each: each.__name__.strip("_"))
def test_most_poison_is_accepted_and_survived(kind: Any) -> None:
    server = APIServer()
    accepted = []
    for seed in range(20):
        server = APIServer()
        for step in begin():
            assert server.request(step.method, step.path, step.body)[0] == 201
        method, path, body = kind(Random(seed))
        content = "application/merge-patch+json" if method == "PATCH" else "application/json"
        code, _ = server.request(method, path, body, content)
        assert code < 500
        if code < 400:
            accepted.append(Request(method, path, body))
    assert len(accepted) >= 10
    history = History(1, (*begin()[1:], Run(1), accepted[0], Run(30)))
    assert run_history(history).violation is None


def test_random_histories_contain_poison() -> None:
    made = {poison(Random(seed))[1] for seed in range(200)}
    drawn = [step for seed in range(5) for step in random_history(seed).steps]
    assert any(isinstance(step, Request) and step.path in made for step in drawn)


def test_a_component_that_cannot_handle_poison_is_found(
    monkeypatch: pytest.MonkeyPatch, logged_errors: list[logging.LogRecord]
) -> None:
    reconcile = CronJobController.reconcile

    def fails(self: Any, key: Any) -> Any:
        found = self.informers["cronjobs.batch"].get(*key)
        if found is not None and found["status"].get("active") == [{}]:
            raise KeyError("uid")
        return reconcile(self, key)

    monkeypatch.setattr(CronJobController, "reconcile", fails)
    patch = Request("PATCH", f"{CRONJOBS}/tick/status", {"status": {"active": [{}]}})
    violation = run_history(History(1, (*begin()[1:], Run(1), patch, Run(30)))).violation
    assert violation is not None
    assert violation.invariant == CRASH
    logged_errors.clear()
