"""The table of kinds holds together."""

from __future__ import annotations

import pytest

from kschedcore.api.machinery.kinds import KINDS, Kind, kind_by_path, kind_by_resource, resources


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.resource.qualified)
def test_every_kind_is_found_and_described(kind: Kind) -> None:
    resource = kind.resource
    assert kind_by_resource(resource.qualified) is kind
    assert kind_by_path(resource.api_version, resource.plural) is kind
    assert kind.list_kind == f"{resource.kind}List"
    assert {"metadata", "kind", "apiVersion"} <= kind.schema.fields.keys()
    assert ("status" in kind.subresources) <= ("status" in kind.schema.fields)
    assert not kind.unknown_field or kind.unknown_field.count("{}") == 1


def test_names_are_unambiguous() -> None:
    names = [name for kind in KINDS for name in (kind.resource.plural, kind.singular, *kind.short_names)]
    shortened = [name for name in names if name != "endpoints"]
    assert len(shortened) == len(set(shortened))


def test_resources_by_scope() -> None:
    cluster, namespaced = set(resources(namespaced=False)), set(resources(namespaced=True))
    assert cluster | namespaced == set(resources())
    assert not cluster & namespaced
    assert {resource.kind for resource in cluster} >= {"Node", "Namespace", "PersistentVolume"}
