"""Scheduler extender backed by an engine: answers the requests of a kube-scheduler."""
