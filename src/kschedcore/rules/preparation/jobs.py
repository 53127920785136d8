"""A new job selects its own pods: by a label with its uid."""

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
        # A label that the author gave is left for validation to refuse.
        labels.setdefault(key, value)
    selector = spec.setdefault("selector", {}).setdefault("matchLabels", {})
    selector.setdefault("batch.kubernetes.io/controller-uid", uid)


def is_incomplete(job: dict[str, Any]) -> bool:
    """Whether :func:`complete` may have something to give."""
    return not job["metadata"].get("labels")


def complete(job: dict[str, Any]) -> None:
    """A job without labels carries those of its pods, the generated ones included."""
    labels = job["spec"]["template"]["metadata"].get("labels")
    if labels and is_incomplete(job):
        job["metadata"]["labels"] = dict(labels)


CREATE = {"Job": _create}
