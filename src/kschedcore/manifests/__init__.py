"""Manifest files to API objects, and the pods that workloads stand for."""
