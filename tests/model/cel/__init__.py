"""Device selectors in the Common Expression Language: parsed, checked a little and evaluated, one node at a time.

Only what a selector can say of a `device` is here. Errors are worded as cel-go and Kubernetes word them.
"""

from tests.model.cel.device import SelectorError, device_matches

__all__ = ["SelectorError", "device_matches"]
