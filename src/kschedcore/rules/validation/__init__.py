"""Validation of objects, with Kubernetes' messages and field paths; the entry point is ``kinds``."""
