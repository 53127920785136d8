"""Container runtimes behind the node agent."""
