"""Behaviours of simulated containers, by image, labels, pod or container.

.. code-block:: yaml

    behaviours:
      - match: {image: "nginx:1.161"}
        pull: {error: "manifest unknown", failsFor: 120}
      - match: {labels: {app: web}, container: app}
        start: {seconds: 5}
        runs: [{seconds: 3, exitCode: 1}, {}]
        readiness: [{succeeds: false}, {from: 20, httpStatus: 200}]
        usage: [{cpu: 100m, memory: 64Mi}, {from: 3600, cpu: 800m, memory: 256Mi}]

The first behaviour whose ``match`` selects a container applies; a pod's annotation ``kschedcore.io/behaviour`` (one
behaviour without ``match``, YAML or JSON) takes precedence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from kschedcore.api.machinery.remembered import remembered
from kschedcore.api.objects.decoding import shown
from kschedcore.api.quantity import milli_value, value
from kschedcore.errors import ManifestError
from kschedcore.manifests.loading import read_documents
from kschedcore.manifests.strict import Fields, read_strictly
from kschedcore.manifests.yaml import read_yaml
from kschedcore.nodes.runtimes.behaviour import DEFAULT, Behaviour

__all__ = ["ANNOTATION", "Behaviours", "annotated"]

ANNOTATION = "kschedcore.io/behaviour"
"""The annotation with the behaviour of a pod's containers."""


class Behaviours:
    """A list of behaviours.

    Args:
        behaviours: The first that matches a container applies.
    """

    def __init__(self, behaviours: Iterable[Behaviour] = ()) -> None:
        self._behaviours = tuple(behaviours)

    @classmethod
    def load(cls, *paths: str | Path) -> Behaviours:
        """Read behaviours from YAML or JSON files.

        Raises:
            ManifestError: A document is not ``{behaviours: […]}``; with file, document and field.
            NotFoundError: There is no such file.
        """
        found: list[Behaviour] = []
        for document in read_documents(paths):
            try:
                found += cls.read(document.data)
            except ManifestError as error:
                raise error.located(source=document.source, document=document.number) from None
        return cls(found)

    @staticmethod
    def read(data: Any) -> tuple[Behaviour, ...]:
        """Read JSON-shaped data: ``{"behaviours": […]}``.

        Raises:
            ManifestError: A field is unknown or has an invalid value; names its path.
        """
        behaviours = read_strictly(data, _File).behaviours
        Behaviours.check(behaviours)
        return behaviours

    @staticmethod
    def check(behaviours: Iterable[Behaviour], path: str = "behaviours") -> None:
        """Check what types do not: ascending times, quantities.

        Raises:
            ManifestError: A field is invalid; names its path under ``path``.
        """
        for index, behaviour in enumerate(behaviours):
            _check(behaviour, f"{path}[{index}].")

    def of(self, pod: Mapping[str, Any], container: Mapping[str, Any]) -> Behaviour:
        """Return the behaviour of a container of a pod.

        An invalid annotation is ignored; :func:`annotated` raises its error.
        """
        text = pod["metadata"].get("annotations", {}).get(ANNOTATION)
        if text is not None:
            try:
                return annotated(text)
            except ManifestError:
                pass
        for behaviour in self._behaviours:
            if behaviour.match.fits(pod, container):
                return behaviour
        return DEFAULT


class _File(Fields, frozen=True):
    behaviours: tuple[Behaviour, ...] = ()


@remembered
def annotated(text: str) -> Behaviour:
    """Read the annotation of a pod.

    Raises:
        ManifestError: It is not a behaviour.
    """
    documents = [content for _, content in read_yaml(text) if content is not None]
    if len(documents) != 1:
        raise ManifestError(f"found {len(documents)} documents, expected one behaviour")
    behaviour = read_strictly(documents[0], Behaviour)
    _check(behaviour, "")
    return behaviour


def _check(behaviour: Behaviour, path: str) -> None:
    """Check what types do not: ascending times, quantities."""
    for name in ("startup", "liveness", "readiness", "usage"):
        times = [each.from_ for each in getattr(behaviour, name)]
        if times != sorted(set(times)):
            problem = f"found the times {', '.join(f'{each:g}' for each in times)}, expected ascending ones"
            raise ManifestError(problem, path=f"{path}{name}")
    for index, point in enumerate(behaviour.usage):
        for field, read in (("cpu", milli_value), ("memory", value)):
            _check_quantity(getattr(point, field), read, f"{path}usage[{index}].{field}")


def _check_quantity(text: str | float, read: Any, path: str) -> None:
    try:
        amount = read(text)
    except ValueError:
        amount = -1
    if amount < 0:
        raise ManifestError(f"found {shown(text)}, expected a quantity of at least 0", path=path)
