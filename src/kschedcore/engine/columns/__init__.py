"""Conversion of nodes and pods to the columns of the native core."""
