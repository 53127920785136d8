"""The selector languages: ``kubectl -l``, LabelSelector objects, node selector terms and field selectors.

All but the last are requirements on labels, combined by :class:`Selector`.
"""

from kschedcore.api.selectors.fields import FieldRequirement, FieldSelector, parse_field_selector
from kschedcore.api.selectors.labels import label_selector
from kschedcore.api.selectors.nodes import NodeSelector, NodeSelectorTerm, node_selector
from kschedcore.api.selectors.requirements import EVERYTHING, NOTHING, Operator, Requirement, Selector
from kschedcore.api.selectors.syntax import parse_selector

__all__ = [
    "EVERYTHING",
    "NOTHING",
    "FieldRequirement",
    "FieldSelector",
    "NodeSelector",
    "NodeSelectorTerm",
    "Operator",
    "Requirement",
    "Selector",
    "label_selector",
    "node_selector",
    "parse_field_selector",
    "parse_selector",
]
