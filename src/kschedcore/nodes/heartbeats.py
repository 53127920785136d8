"""Node heartbeats: a Lease renewed every 10 s, a status posted every 5 min (KEP-589).

Renewing thousands of leases over years of simulated time would be a very large number of writes. With *implied*
heartbeats a lease with the annotation :data:`IMPLIED` counts as renewed at any time, until its node fails; then the
annotation is removed and ``renewTime`` set. :func:`renewed_at` returns the last renewal in both cases.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from kschedcore.api.machinery.times import parse_time
from kschedcore.api.machinery.types import Namespace
from kschedcore.client.informer import Informer
from kschedcore.client.verbs import Client

__all__ = ["IMPLIED", "LEASE_NAMESPACE", "RENEWED_EVERY", "STATUS_EVERY", "Leases", "renewed_at"]

IMPLIED: Final = "kschedcore.io/implied-heartbeats"
"""The annotation of a lease with implied heartbeats."""

LEASE_NAMESPACE: Final = Namespace("kube-node-lease")
RENEWED_EVERY: Final = timedelta(seconds=10)
STATUS_EVERY: Final = timedelta(minutes=5)
_LEASE_SECONDS: Final = 40


def renewed_at(lease: Mapping[str, Any], now: datetime) -> datetime | None:
    """Return the time of a lease's last renewal; None if it was never renewed."""
    if IMPLIED in lease["metadata"].get("annotations", {}):
        return now
    text = lease.get("spec", {}).get("renewTime")
    return parse_time(text)


class Leases:
    """Renews the leases of nodes.

    Args:
        client: The API.
        informer: The informer of leases.
        implied: Whether heartbeats are implied rather than written.
    """

    def __init__(self, client: Client, informer: Informer, *, implied: bool) -> None:
        self._client = client
        self._informer = informer
        self._implied = implied

    @property
    def implied(self) -> bool:
        """Whether heartbeats are implied."""
        return self._implied

    def renew(self, node: Mapping[str, Any], now: datetime) -> None:
        """Renew a node's lease if that is due."""
        lease = self._informer.get(LEASE_NAMESPACE, node["metadata"]["name"])
        if lease is not None and (IMPLIED in lease["metadata"].get("annotations", {})) == self._implied:
            renewed = renewed_at(lease, now)
            if renewed is not None and now - renewed < RENEWED_EVERY:
                return
        self._write(node, now, implied=self._implied)

    def lapse(self, node: Mapping[str, Any], now: datetime) -> None:
        """Stop the renewals of a node; set its last renewal to the latest that was due."""
        lease = self._informer.get(LEASE_NAMESPACE, node["metadata"]["name"])
        if lease is not None and IMPLIED in lease["metadata"].get("annotations", {}):
            since = parse_time(lease["spec"].get("acquireTime")) or now
            self._write(node, now - (now - since) % RENEWED_EVERY, implied=False)

    def _write(self, node: Mapping[str, Any], renewed: datetime, *, implied: bool) -> None:
        name = node["metadata"]["name"]
        lease = self._informer.get(LEASE_NAMESPACE, name)
        if lease is None:
            self._client.create("leases.coordination.k8s.io", LEASE_NAMESPACE, _lease(node, renewed, implied))
            return
        others = {
            key: each for key, each in lease["metadata"].get("annotations", {}).items() if key != IMPLIED
        }
        metadata = {**lease["metadata"], "annotations": others | ({IMPLIED: "true"} if implied else {})}
        spec = {**lease["spec"], "renewTime": _micro(renewed)}
        self._client.update({**lease, "metadata": metadata, "spec": spec}, "leases.coordination.k8s.io")


def _lease(node: Mapping[str, Any], now: datetime, implied: bool) -> dict[str, Any]:
    metadata = node["metadata"]
    owner = {"apiVersion": "v1", "kind": "Node", "name": metadata["name"], "uid": metadata["uid"]}
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {
            "name": metadata["name"],
            "namespace": LEASE_NAMESPACE,
            "ownerReferences": [owner],
            **({"annotations": {IMPLIED: "true"}} if implied else {}),
        },
        "spec": {
            "holderIdentity": metadata["name"],
            "leaseDurationSeconds": _LEASE_SECONDS,
            "acquireTime": _micro(now),
            "renewTime": _micro(now),
        },
    }


def _micro(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
