"""The service account controller: a ServiceAccount ``default`` in every active namespace."""

from __future__ import annotations

from collections.abc import Iterable

from kschedcore.api.machinery.types import CLUSTER_SCOPE
from kschedcore.client.informer import Change
from kschedcore.controllers.controller import Controller, Key, Requeue, Watch, watch_objects

__all__ = ["ServiceAccountController"]

_NAME = "default"


class ServiceAccountController(Controller):
    """Creates the ``default`` ServiceAccount, and recreates it when it is deleted."""

    name = "serviceaccount-controller"

    def watches(self) -> Iterable[Watch]:
        """Return namespaces, and accounts, which concern their namespace."""
        return watch_objects("namespaces"), Watch("serviceaccounts", _namespace)

    def reconcile(self, key: Key) -> Requeue | None:
        """Reconcile one namespace."""
        name = key[1]
        namespace = self.informers["namespaces"].get(CLUSTER_SCOPE, name)
        if namespace is None or namespace.get("status", {}).get("phase") == "Terminating":
            return None
        if self.informers["serviceaccounts"].get(name, _NAME) is None:
            account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": _NAME}}
            self.client.create("serviceaccounts", name, account)
        return None


def _namespace(change: Change) -> Iterable[Key]:
    return (("", change.object["metadata"]["namespace"]),)
