"""DefaultTolerationSeconds: pods tolerate a node that is not ready or unreachable for five minutes."""

from __future__ import annotations

from kschedcore.apiserver.admission.plugins.base import BasePlugin, respecified, writes
from kschedcore.apiserver.admission.types import AdmissionRequest
from kschedcore.rules.admission.tolerations import with_default_tolerations

__all__ = ["DefaultTolerationSeconds"]


class DefaultTolerationSeconds(BasePlugin):
    """Adds the two tolerations to pods that do not have their own."""

    kinds = ("Pod",)

    def may_change(self, request: AdmissionRequest) -> bool:
        """Return whether the pod has a new spec."""
        return respecified(request)

    def admit(self, request: AdmissionRequest) -> None:
        """Extend the tolerations of a new or updated pod."""
        pod = writes(request, "Pod")
        if pod is not None:
            pod["spec"] = with_default_tolerations(pod["spec"])
