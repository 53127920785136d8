"""Clusters that live."""
