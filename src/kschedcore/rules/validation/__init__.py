"""Validation of objects, in Kubernetes' words and with its field paths; ``kinds`` is the way in."""
