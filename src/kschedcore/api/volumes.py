"""Annotations and names of claims, volumes and storage classes."""

from __future__ import annotations

from typing import Final

__all__ = ["BIND_COMPLETED", "CLASS_ANNOTATION", "IS_DEFAULT_CLASS", "NO_PROVISIONER", "SELECTED_NODE"]

BIND_COMPLETED: Final = "pv.kubernetes.io/bind-completed"
"""On a claim whose binding to its volume is complete."""

SELECTED_NODE: Final = "volume.kubernetes.io/selected-node"
"""On a claim: the node that the scheduler selected for the claim's first consumer."""

CLASS_ANNOTATION: Final = "volume.beta.kubernetes.io/storage-class"
"""On claims and volumes: the class (deprecated, before the field existed)."""

IS_DEFAULT_CLASS: Final = "storageclass.kubernetes.io/is-default-class"
"""On a StorageClass: it is the default class."""

NO_PROVISIONER: Final = "kubernetes.io/no-provisioner"
"""The provisioner of classes whose volumes are created by hand."""
