"""The token controller: fills Secrets for service account tokens, and deletes them with the account.

These are the long-lived tokens that users create by hand ("Manually create a long-lived API token" in the reference);
pods get their tokens through projected volumes.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256

from kschedcore.api.machinery.types import Object
from kschedcore.client.informer import Change, ObjectKey, key_of
from kschedcore.controllers.controller import Context, Controller, Key, Requeue, Watch, watch_objects

__all__ = ["ServiceAccountTokenController"]

TYPE = "kubernetes.io/service-account-token"
NAME = "kubernetes.io/service-account.name"
UID = "kubernetes.io/service-account.uid"

_INDEX = "service account"


class ServiceAccountTokenController(Controller):
    """Fills and deletes Secrets of the type ``kubernetes.io/service-account-token``.

    The token is not a credential: it is a digest of the uids of the account and the secret.
    """

    name = "serviceaccount-token-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.informers["secrets"].add_index(_INDEX, _account_of)

    def watches(self) -> Iterable[Watch]:
        """Return secrets, and accounts, which concern their secrets."""
        return watch_objects("secrets"), Watch("serviceaccounts", self._secrets_of)

    def _secrets_of(self, change: Change) -> Iterable[Key]:
        return [key_of(each) for each in self.informers["secrets"].seen_by(_INDEX, key_of(change.object))]

    def reconcile(self, key: Key) -> Requeue | None:
        """Reconcile one secret."""
        secret = self.informers["secrets"].get(*key)
        if secret is None or not (names := list(_account_of(secret))):
            return None
        metadata = secret["metadata"]
        annotations = metadata.get("annotations", {})
        account = self.informers["serviceaccounts"].get(*names[0])
        if account is None or annotations.get(UID, account["metadata"]["uid"]) != account["metadata"]["uid"]:
            self.client.delete("secrets", metadata["namespace"], metadata["name"], uid=metadata["uid"])
            return None
        uid = account["metadata"]["uid"]
        data = {**_data(account, secret), **secret.get("data", {})}
        if data != secret.get("data", {}) or annotations.get(UID) != uid:
            metadata = {**metadata, "annotations": {**annotations, UID: uid}}
            self.client.update({**secret, "metadata": metadata, "data": data}, "secrets")
        return None


def _account_of(secret: Object) -> Iterable[ObjectKey]:
    name = secret["metadata"].get("annotations", {}).get(NAME)
    return ((secret["metadata"]["namespace"], name),) if secret.get("type") == TYPE and name else ()


def _data(account: Object, secret: Object) -> dict[str, str]:
    token = sha256(f"{account['metadata']['uid']}/{secret['metadata']['uid']}".encode()).hexdigest()
    parts = {"token": token, "namespace": account["metadata"]["namespace"], "ca.crt": ""}
    return {name: b64encode(text.encode()).decode() for name, text in parts.items()}
