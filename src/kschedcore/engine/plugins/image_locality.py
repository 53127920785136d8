"""ImageLocality: prefers nodes that have the pod's images."""

from __future__ import annotations

from kschedcore._native.plugins.image_locality import ImageLocality as Kernel
from kschedcore.api.versions import Rule
from kschedcore.engine.plugin import Plugin, PodContext


def normalised(image: str) -> str:
    """Return an image's name as nodes report it: with the tag ``latest`` if it has none."""
    return image if image.rfind(":") > image.rfind("/") else image + ":latest"


class ImageLocality(Plugin):
    """Prefers nodes that have the images of a pod's containers and, since v1.36, of its image volumes."""

    name = "ImageLocality"

    def score(self, context: PodContext) -> Kernel | None:
        """Compile the preference; the images of nodes that an extender answered with are not known."""
        if not context.loaded:
            return None
        spec = context.pod.spec
        containers = (*(spec.init_containers or ()), *(spec.containers or ()))
        images = [normalised(container.image or "") for container in containers]
        if self.release.has(Rule.IMAGE_LOCALITY_COUNTS_IMAGE_VOLUMES):
            mounted = [volume.image for volume in spec.volumes or () if volume.image is not None]
            images += [normalised(image.reference or "") for image in mounted]
        return Kernel(context.core.nodes, context.core.reasons, images, len(containers))
