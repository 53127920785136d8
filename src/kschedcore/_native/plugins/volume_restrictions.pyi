from collections.abc import Sequence

from kschedcore._native.nodes import NodeTable
from kschedcore._native.plugin import FilterPlugin
from kschedcore._native.reasons import ReasonTable
from kschedcore._native.topology import AffinityTerm, Topology

CLAIM_OF_ONE_POD: str

class VolumeRestrictions(FilterPlugin):
    def __init__(
        self,
        nodes: NodeTable,
        reasons: ReasonTable,
        topology: Topology,
        disks: Sequence[tuple[tuple[str, ...], bool]],
        claims: Sequence[tuple[str, AffinityTerm, str]],
    ) -> None: ...
