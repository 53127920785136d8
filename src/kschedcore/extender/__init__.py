"""A scheduler extender (server side) backed by an engine."""
