from kschedcore._native.nodes import NodeTable
from kschedcore._native.plugin import FilterPlugin
from kschedcore._native.podinfo import PodInfo
from kschedcore._native.reasons import ReasonTable

class NodePorts(FilterPlugin):
    def __init__(self, nodes: NodeTable, reasons: ReasonTable, info: PodInfo) -> None: ...
