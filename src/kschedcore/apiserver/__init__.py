"""The API server: requests, admission, server-side apply and patches, over the store."""

from kschedcore.apiserver.server import APIServer

__all__ = ["APIServer"]
