"""The exceptions that reach a user, with one base class.

Every error a user can cause derives from :class:`KschedcoreError` and prints as one line with the place of the error,
the value found and what was expected. The command line prints that line on standard error and exits with status 2; no
other module exits the process.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = [
    "APIWarning",
    "ConfigError",
    "DrainTimeoutError",
    "ExtenderError",
    "Interrupted",
    "KschedcoreError",
    "LivelockError",
    "ManifestError",
    "NotFoundError",
    "PluginError",
    "StatusError",
    "UsageError",
]


class APIWarning(UserWarning):
    """A warning of the API server about a successful request: an unknown field, a deprecated kind."""


class KschedcoreError(Exception):
    """Base class of every error that kschedcore raises on purpose."""


class UsageError(KschedcoreError, ValueError):
    """An invalid call or command line: a wrong argument, flag, option value or combination."""


class DrainTimeoutError(UsageError):
    """A drain reached its timeout before the node was empty. Evicted pods are terminating; drain again to continue."""


class NotFoundError(KschedcoreError, LookupError):
    """An object, file or name does not exist."""


class LivelockError(KschedcoreError):
    """Components of a simulated cluster undo each other's work endlessly without time passing."""


class ConfigError(KschedcoreError, ValueError):
    """A KubeSchedulerConfiguration that kube-scheduler would refuse at its start."""


class PluginError(KschedcoreError):
    """A plugin written in Python raised an exception, or returned a value that its extension point does not allow."""


class ExtenderError(KschedcoreError):
    """An HTTP extender that is not ignorable did not respond, or responded with an error."""


class StatusError(KschedcoreError):
    """A ``Status`` of failure from the API server.

    Attributes:
        code: HTTP status code.
        reason: ``metav1.StatusReason``, such as ``Forbidden``.
        message: The message.
        details: ``metav1.StatusDetails``, or None.
    """

    def __init__(
        self, code: int, reason: str, message: str, details: Mapping[str, Any] | None = None
    ) -> None:
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details
        super().__init__(message)

    def status(self) -> dict[str, Any]:
        """Return the ``Status`` object of the response."""
        status: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
        status["message"] = self.message
        if self.reason:
            status["reason"] = self.reason
        if self.details is not None:
            status["details"] = dict(self.details)
        status["code"] = self.code
        return status


class ManifestError(KschedcoreError, ValueError):
    """An invalid manifest.

    The message reads ``SOURCE: document N: line L: OBJECT: PATH: PROBLEM``, leaving out what is unknown.

    Attributes:
        problem: What was found and what was expected, in one phrase.
        source: The file the manifest came from (``<stdin>`` for standard input).
        document: 1-based number of the document inside ``source``.
        line: 1-based line inside ``source``.
        subject: The object, as ``Kind namespace/name``.
        path: Field path inside the object, ``spec.containers[0].image``.
    """

    def __init__(
        self,
        problem: str,
        *,
        source: str | None = None,
        document: int | None = None,
        line: int | None = None,
        subject: str | None = None,
        path: str | None = None,
    ) -> None:
        self.problem = problem
        self.source = source
        self.document = document
        self.line = line
        self.subject = subject
        self.path = path
        super().__init__(problem)

    def __str__(self) -> str:
        where = [
            self.source,
            None if self.document is None else f"document {self.document}",
            None if self.line is None else f"line {self.line}",
            self.subject,
            self.path,
        ]
        return ": ".join([part for part in where if part] + [self.problem])

    def located(
        self,
        *,
        source: str | None = None,
        document: int | None = None,
        line: int | None = None,
        subject: str | None = None,
        path: str | None = None,
    ) -> ManifestError:
        """Return the same error with missing places filled in."""
        return ManifestError(
            self.problem,
            source=self.source or source,
            document=self.document or document,
            line=self.line or line,
            subject=self.subject or subject,
            path=self.path or path,
        )


class Interrupted(KeyboardInterrupt):
    """Ctrl-C in the middle of a batch: the pods placed before stay accounted.

    It is a KeyboardInterrupt, and ends a program that does not catch it.

    Attributes:
        decisions: The decisions made before it: :class:`~kschedcore.engine.decision.Decisions` from
            ``Engine.schedule``, a table from ``Engine.place``, the families from ``conformance.replay``.
    """

    def __init__(self, decisions: Any) -> None:
        self.decisions = decisions
        super().__init__(f"interrupted after {len(decisions)} decisions, which stay")
