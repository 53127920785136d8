"""A small vocabulary, so that random objects interact: few keys, few values, few names.

The first of several values is the simplest: examples shrink to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Vocabulary = Mapping[str, Sequence[str]]
"""Label key -> its values."""

HOSTNAME = "kubernetes.io/hostname"
ZONE = "topology.kubernetes.io/zone"
REGION = "topology.kubernetes.io/region"

ZONES = ("z1", "z2", "z3")
NODE_LABELS: Vocabulary = {
    "kubernetes.io/os": ("linux", "windows"),
    "disk": ("ssd", "hdd", "nvme"),
    "gen": ("1", "2", "07", "3", "abc"),
}
TOPOLOGY_KEYS = (HOSTNAME, ZONE, REGION, "disk")

POD_LABELS: Vocabulary = {"app": ("web", "db"), "tier": ("fe", "be"), "ver": ("v1", "v2")}
NAMESPACES = ("default", "team-a", "team-b")
NAMESPACE_LABELS: tuple[dict[str, str], ...] = ({"team": "a"}, {"team": "b"}, {})

TAINT_KEYS = ("dedicated", "gpu", "node.kubernetes.io/not-ready")
TAINT_VALUES = ("a", "b", "")

GPU = "nvidia.com/gpu"
CPU = ("100m", "0.5", "750m", "1", "1500m", "3")
MEMORY = ("64Mi", "0.5Gi", "1G", "1e9", "1536Mi", "3Gi")
STORAGE = ("1Gi", "5G", "10Gi")
HUGE_PAGES = ("2Mi", "256Mi")

PRIORITY_CLASSES: dict[str, int] = {"low": -10, "middle": 10, "high": 100, "highest": 1000}
"""Name -> value; a pod without a class has priority 0."""

RUNTIME_CLASS = "sandboxed"
OVERHEAD = {"cpu": "250m", "memory": "120Mi"}

MEBIBYTE = 2**20
IMAGE_SIZES: dict[str, int] = {
    "pause:3.9": MEBIBYTE,
    "docker.io/library/busybox:latest": 5 * MEBIBYTE,
    "nginx:1.25": 190 * MEBIBYTE,
    "big/model:v1": 900 * MEBIBYTE,
    "registry:5000/huge:latest": 3000 * MEBIBYTE,
}
IMAGES = (
    "pause:3.9",
    "docker.io/library/busybox",
    "nginx:1.25",
    "big/model:v1",
    "registry:5000/huge",
    "no:1",
)

PORTS = (80, 8080)
ADDRESSES = ("", "0.0.0.0", "127.0.0.1", "10.0.0.1")
PROTOCOLS = ("TCP", "UDP")

DRIVER = "csi.example.com"
STORAGE_CLASSES = ("immediate", "waiting", "zonal", "local")
CLAIMS = ("claim-0", "claim-1", "claim-2")
