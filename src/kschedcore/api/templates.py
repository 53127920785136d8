"""Pod templates of workloads, as typed views."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kschedcore.api.objects import ObjectMeta, PodSpec, View, decode

__all__ = ["PodTemplate", "template_of"]


class PodTemplate(View, frozen=True):
    """v1.PodTemplateSpec."""

    metadata: ObjectMeta = ObjectMeta()
    spec: PodSpec = PodSpec()


class _TemplatedSpec(View, frozen=True):
    template: PodTemplate = PodTemplate()


class _Templated(View, frozen=True):
    spec: _TemplatedSpec = _TemplatedSpec()


def template_of(workload: Mapping[str, Any]) -> PodTemplate:
    """Return the pod template of a workload; an empty one if there is none.

    Raises:
        ManifestError: A field in it has the wrong type; with its path from the workload's root.
    """
    return decode(_Templated, workload).spec.template
