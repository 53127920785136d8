"""The one door: Kubernetes' REST, in process, over the store and admission."""

from kschedcore.apiserver.requests import APIServer

__all__ = ["APIServer"]
