"""Preparation of Jobs: a generated selector of a label with the Job's uid."""

from __future__ import annotations

from typing import Any

__all__ = ["CREATE", "complete", "is_incomplete"]


def _create(job: dict[str, Any]) -> None:
    spec, metadata = job["spec"], job["metadata"]
    if spec.get("manualSelector"):
        return
    uid, name = metadata.get("uid", ""), metadata.get("name", "")
    labels = spec["template"]["metadata"].setdefault("labels", {})
    generated = {
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": name,
        "controller-uid": uid,
        "job-name": name,
    }
    for key, value in generated.items():
        # A label in the manifest is refused by validation.
        labels.setdefault(key, value)
    selector = spec.setdefault("selector", {}).setdefault("matchLabels", {})
    selector.setdefault("batch.kubernetes.io/controller-uid", uid)


def is_incomplete(job: dict[str, Any]) -> bool:
    """Return whether :func:`complete` may change a Job."""
    return not job["metadata"].get("labels")


def complete(job: dict[str, Any]) -> None:
    """Copy the labels of the pod template to a Job without labels, generated ones included."""
    labels = job["spec"]["template"]["metadata"].get("labels")
    if labels and is_incomplete(job):
        job["metadata"]["labels"] = dict(labels)


CREATE = {"Job": _create}
