"""metav1: object metadata, and the label selector."""

from __future__ import annotations

from typing import Annotated

import msgspec

from kschedcore.api.machinery.types import UID, Namespace

Quantity = str | int | float
"""A quantity as in a manifest; parse it with :mod:`kschedcore.api.quantity`."""

Int32 = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
"""A 32-bit integer of the API."""

Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""A 64-bit integer of the API."""


NO_UID = UID("")
"""The uid of an object that no API server has stored."""


class View(msgspec.Struct, frozen=True, rename="camel", kw_only=True, omit_defaults=True, gc=False):
    """Base of typed views: the fields that code here reads; null means absent, other fields are ignored."""


class OwnerReference(View, frozen=True):
    """metav1.OwnerReference."""

    api_version: str = ""
    kind: str = ""
    name: str = ""
    uid: UID = NO_UID
    controller: bool | None = None
    block_owner_deletion: bool | None = None


class ObjectMeta(View, frozen=True):
    """metav1.ObjectMeta."""

    name: str = ""
    generate_name: str = ""
    namespace: Namespace | None = None
    uid: UID = NO_UID
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    owner_references: tuple[OwnerReference, ...] | None = None


class LabelSelectorRequirement(View, frozen=True):
    """metav1.LabelSelectorRequirement."""

    key: str
    operator: str
    values: tuple[str, ...] | None = None


class LabelSelector(View, frozen=True):
    """metav1.LabelSelector: all requirements must hold; an empty one selects everything, a missing one nothing."""

    match_labels: dict[str, str] | None = None
    match_expressions: tuple[LabelSelectorRequirement, ...] | None = None
