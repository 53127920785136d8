"""The service-account controller: every namespace that lives has an account called ``default``."""

from __future__ import annotations

from kschedcore.controllers.door import Door, get, path_of

__all__ = ["ServiceAccountController"]

_USER_AGENT = "serviceaccount-controller"
_NAME = "default"


class ServiceAccountController:
    """Makes the ``default`` ServiceAccount, and makes it again when somebody deletes it."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def reconcile(self, key: str) -> bool:
        """Look after the namespace ``key``; True when an account had to be made."""
        namespace = get(self._door, path_of("v1", "namespaces", name=key))
        if namespace is None or namespace.get("status", {}).get("phase") == "Terminating":
            return False
        if get(self._door, path_of("v1", "serviceaccounts", key, _NAME)) is not None:
            return False
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": _NAME}}
        path = path_of("v1", "serviceaccounts", key)
        code, _ = self._door.request("POST", path, account, user_agent=_USER_AGENT)
        return code == 201
