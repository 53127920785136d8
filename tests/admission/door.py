"""Enough of the API server's door for controllers and recorded histories, over the small store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from kschedcore.controllers.namespace import NamespaceController
from kschedcore.controllers.resourcequota import ResourceQuotaController
from kschedcore.controllers.rootcacertpublisher import RootCACertPublisher
from kschedcore.controllers.serviceaccount import ServiceAccountController
from kschedcore.store.admission_types import StatusError, not_found

from .memory import RESOURCES, Cluster


class Door:
    """Speaks paths and codes: collections and objects, ``status`` and ``finalize``."""

    def __init__(self) -> None:
        self.cluster = Cluster()
        self._controllers = (
            NamespaceController(self, RESOURCES.values()),
            ServiceAccountController(self),
            RootCACertPublisher(self),
        )
        self._quotas = ResourceQuotaController(self, RESOURCES.values())

    def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        user_agent: str = "tester",  # noqa: ARG002
    ) -> tuple[int, dict[str, Any]]:
        path, _, query = path.partition("?")
        try:
            return self._answer(method, path, dict(body or {}), parse_qs(query))
        except StatusError as error:
            return error.code, error.status()

    def _answer(
        self, method: str, path: str, body: dict[str, Any], query: dict[str, list[str]]
    ) -> tuple[int, dict[str, Any]]:
        parts = path.strip("/").split("/")
        parts = parts[2:] if parts[0] == "api" else parts[3:]
        namespace = ""
        if parts[0] == "namespaces" and len(parts) > 2 and parts[2] in RESOURCES:
            namespace, parts = parts[1], parts[2:]
        resource = RESOURCES[parts[0]]
        name, subresource = [*parts[1:], "", ""][:2]
        typed = {"kind": resource.kind, "apiVersion": resource.api_version}
        if method == "POST":
            strict, dry = query.get("fieldValidation") == ["Strict"], "dryRun" in query
            return 201, typed | self.cluster.create(
                resource.plural, body, namespace, strict=strict, dry_run=dry
            )
        if method == "GET" and not name:
            items = [
                {key: value for key, value in obj.items() if key not in typed}
                for obj in self.cluster.list(resource.qualified, namespace or None)
            ]
            listed = {"kind": f"{resource.kind}List", "apiVersion": resource.api_version}
            return 200, {**listed, "metadata": {"resourceVersion": "1"}, "items": items}
        current = self.cluster.get(resource.qualified, namespace, name)
        if current is None:
            raise not_found(resource, name)
        if method == "GET":
            return 200, current
        if method == "PUT":
            return 200, self._put(resource.plural, body, namespace, name, subresource)
        return 200, self._delete(resource.plural, namespace, name, current)

    def _put(
        self, plural: str, body: dict[str, Any], namespace: str, name: str, subresource: str
    ) -> dict[str, Any]:
        if subresource == "finalize":
            return self.cluster.objects.pop((RESOURCES[plural].qualified, namespace, name))
        return self.cluster.update(plural, body, namespace, subresource)

    def _delete(self, plural: str, namespace: str, name: str, current: dict[str, Any]) -> dict[str, Any]:
        deleted = self.cluster.delete(plural, namespace, name)
        dying = {**current, "metadata": {**current["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}}
        if plural == "namespaces":
            dying["status"] = {"phase": "Terminating"}
            self.cluster.objects[plural, "", name] = dying
        if plural == "pods":
            dying["metadata"]["deletionGracePeriodSeconds"] = 0
            return dying
        return dying if plural == "namespaces" else deleted

    def settle(self) -> None:
        """Run the controllers until none of them changes anything."""
        changed = True
        while changed:
            changed = False
            for namespace in list(self.cluster.list("namespaces")):
                name = namespace["metadata"]["name"]
                changed |= sum(controller.reconcile(name) for controller in self._controllers) > 0
            for quota in list(self.cluster.list("resourcequotas")):
                metadata = quota["metadata"]
                changed |= self._quotas.reconcile((metadata["namespace"], metadata["name"]))
