"""Container runtimes for the node agents."""
