"""Binding and provisioning of persistent volumes."""
