"""The one door: Kubernetes' REST, in process, over the store and admission."""

from kschedcore.apiserver.server import APIServer

__all__ = ["APIServer"]
