"""ImageLocality: prefer nodes that hold the pod's large, widely spread images."""

from tests.model.framework import MAX_NODE_SCORE, Plugin, Prepared
from tests.model.labels import Json
from tests.model.snapshot import NodeInfo, Snapshot
from tests.model.versions import LATEST, Kubernetes

MEBIBYTE = 2**20
LEAST_WORTH = 23 * MEBIBYTE
MOST_WORTH_PER_CONTAINER = 1000 * MEBIBYTE


def normalized(image: str) -> str:
    """With `:latest` when there is no tag; a colon before the last slash belongs to a registry's port."""
    return image if image.rfind(":") > image.rfind("/") else f"{image}:latest"


def image_sizes(info: NodeInfo) -> dict[str, int]:
    """Bytes by each name that the node lists."""
    return {
        name: int(image.get("sizeBytes") or 0)
        for image in (info.node.get("status") or {}).get("images") or []
        for name in image.get("names") or []
    }


class ImageLocality(Plugin):
    name = "ImageLocality"
    extension_points = frozenset({"preScore", "score"})

    def __init__(self, kubernetes: Kubernetes = LATEST) -> None:
        self.counts_volumes = kubernetes != "1.34"

    def pre_score(self, pod: Json, feasible: list[NodeInfo], snapshot: Snapshot) -> Prepared:
        """Every node's images: the spread of an image counts nodes that are not feasible, too."""
        return Prepared({info.name: image_sizes(info) for info in snapshot.nodes})

    def score(self, state: dict[str, dict[str, int]], pod: Json, info: NodeInfo) -> int:
        """Image volumes weigh as much as containers do, but do not raise what counts as the most."""
        spec = pod["spec"]
        containers = [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]
        images = [container.get("image") or "" for container in containers]
        if self.counts_volumes:
            volumes = spec.get("volumes") or []
            images += [volume["image"].get("reference") or "" for volume in volumes if volume.get("image")]
        worth = sum(self._worth(state, info.name, normalized(image)) for image in images)
        most = MOST_WORTH_PER_CONTAINER * len(containers)
        return MAX_NODE_SCORE * (min(max(worth, LEAST_WORTH), most) - LEAST_WORTH) // (most - LEAST_WORTH)

    @staticmethod
    def _worth(sizes: dict[str, dict[str, int]], node: str, image: str) -> int:
        if image not in sizes[node]:
            return 0
        holders = sum(1 for held in sizes.values() if image in held)
        return int(float(sizes[node][image]) * (holders / len(sizes)))
