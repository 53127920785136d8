"""NodeDeclaredFeatureValidator: updates of bound pods need features that their node declares (KEP-5328)."""

from __future__ import annotations

from kschedcore.api.machinery.types import CLUSTER_SCOPE
from kschedcore.apiserver.admission.plugins.base import BasePlugin, refused
from kschedcore.apiserver.admission.types import AdmissionRequest, ObjectReader, Operation

__all__ = ["NodeDeclaredFeatureValidator"]

# The only feature of v1.36 that an update can need and that validation does not refuse before (KEP-5419).
_POD_LEVEL = "InPlacePodLevelResourcesVerticalScaling"


class NodeDeclaredFeatureValidator(BasePlugin):
    """Refuses an update of a bound pod that needs features which its node does not declare."""

    kinds = ("Pod",)
    operations = (Operation.UPDATE,)
    subresources = ("", "resize")
    changing = ()

    def __init__(self, reader: ObjectReader) -> None:
        self._reader = reader

    def review(self, request: AdmissionRequest) -> None:
        """Compare the features that an update of the spec needs with ``status.declaredFeatures`` of the node."""
        pod, old = request.object, request.old_object
        if request.operation is not Operation.UPDATE or request.subresource not in ("", "resize"):
            return
        if pod is None or old is None or not (name := pod["spec"].get("nodeName")):
            return
        if pod["metadata"].get("generation") == old["metadata"].get("generation"):
            return
        if pod["spec"].get("resources") == old["spec"].get("resources"):
            return
        node = self._reader.get("nodes", CLUSTER_SCOPE, name)
        if node is None:
            raise refused(request, f'node "{name}" not found')
        if _POD_LEVEL not in node.get("status", {}).get("declaredFeatures", ()):
            raise refused(
                request, f'pod update requires features {_POD_LEVEL} which are not available on node "{name}"'
            )
