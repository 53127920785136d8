"""DefaultTolerationSeconds: a pod stays five minutes on a node that is not ready or not reachable."""

from __future__ import annotations

from kschedcore.api.machinery.frozen import FrozenDict
from kschedcore.api.machinery.remembered import remembered, shared
from kschedcore.apiserver.admission.plugins.base import BasePlugin, respecified, writes
from kschedcore.apiserver.admission.types import AdmissionRequest

__all__ = ["DefaultTolerationSeconds"]

_SECONDS = 300
_TAINTS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


class DefaultTolerationSeconds(BasePlugin):
    """Adds the two tolerations that a pod does not state itself."""

    kinds = ("Pod",)

    def may_change(self, request: AdmissionRequest) -> bool:
        """Whether there is a spec that it has not seen."""
        return respecified(request)

    def admit(self, request: AdmissionRequest) -> None:
        """Extend the tolerations of a new or updated pod."""
        pod = writes(request, "Pod")
        if pod is not None:
            pod["spec"] = _tolerating(pod["spec"])


@remembered
def _tolerating(spec: FrozenDict) -> FrozenDict:
    tolerations = spec.get("tolerations", [])
    added = []
    for key in _TAINTS:
        stated = any(
            toleration.get("key", "") in (key, "") and toleration.get("effect", "") in ("NoExecute", "")
            for toleration in tolerations
        )
        if not stated:
            added.append(
                {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": _SECONDS}
            )
    return shared({**spec, "tolerations": [*tolerations, *added]}) if added else spec
