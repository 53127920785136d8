"""What can go wrong, as exceptions with one base class.

Every error a user can cause derives from :class:`KschedcoreError` and prints as one line that names
where the fault is, what was found there and what was expected. The command line turns any of them into
that line on standard error and an exit status of 2; nothing else in the package ends a process.
"""

from __future__ import annotations

__all__ = ["ConfigError", "KschedcoreError", "ManifestError", "NotFoundError", "UsageError"]


class KschedcoreError(Exception):
    """Base class of every error that kschedcore raises on purpose."""


class UsageError(KschedcoreError, ValueError):
    """A call or a command line that makes no sense: a wrong flag, option value or combination."""


class NotFoundError(KschedcoreError, LookupError):
    """Something asked for by name does not exist."""


class ConfigError(KschedcoreError, ValueError):
    """A KubeSchedulerConfiguration that kube-scheduler would refuse to start with."""


class ManifestError(KschedcoreError, ValueError):
    """A manifest that cannot be read as what it claims to be.

    The message reads ``SOURCE: document N: line L: OBJECT: PATH: PROBLEM``, leaving out what is unknown.

    Attributes:
        problem: What was found and what was expected, in one phrase.
        source: The file the manifest came from (``<stdin>`` for standard input).
        document: 1-based number of the document inside ``source``.
        line: 1-based line inside ``source``.
        subject: The object meant, as ``Kind namespace/name``.
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
        """Return the same error with the places filled in that this one does not know yet."""
        return ManifestError(
            self.problem,
            source=self.source or source,
            document=self.document or document,
            line=self.line or line,
            subject=self.subject or subject,
            path=self.path or path,
        )
