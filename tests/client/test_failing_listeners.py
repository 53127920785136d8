"""A listener that cannot handle one object loses that change alone."""

from __future__ import annotations

import logging

from kschedcore.api.machinery.changes import Change
from kschedcore.api.machinery.types import DEFAULT_NAMESPACE
from kschedcore.cluster.controlplane import ControlPlane


def test_the_rest_of_a_batch_reaches_every_listener(logged_errors: list[logging.LogRecord]) -> None:
    plane = ControlPlane()
    informer = plane.informers["configmaps"]
    seen: dict[str, list[str]] = {"choosy": [], "other": []}

    def listener(name: str, refused: str) -> None:
        def listen(change: Change) -> None:
            found = change.object["metadata"]["name"]
            if found == refused:
                raise ValueError(found)
            seen[name].append(found)

        informer.listen(listen)

    listener("choosy", "b")
    listener("other", "")
    for name in ("a", "b", "c"):
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
        plane.client.create("configmaps", DEFAULT_NAMESPACE, body)
    informer.sync()
    assert seen == {"choosy": ["a", "c"], "other": ["a", "b", "c"]}
    [record] = logged_errors
    assert "configmaps default/b" in record.getMessage()
    logged_errors.clear()


def test_an_object_that_cannot_be_indexed_is_found_by_name(logged_errors: list[logging.LogRecord]) -> None:
    plane = ControlPlane()
    informer = plane.informers["configmaps"]
    informer.add_index("data", lambda obj: [obj["data"]["key"]])
    for name, data in (("with", {"key": "value"}), ("without", {})):
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}
        plane.client.create("configmaps", DEFAULT_NAMESPACE, body)
    assert [each["metadata"]["name"] for each in informer.by("data", "value")] == ["with"]
    assert informer.get(DEFAULT_NAMESPACE, "without") is not None
    assert [each.getMessage() for each in logged_errors] == ["default/without cannot be indexed"]
    logged_errors.clear()
