"""DefaultPreemption is only named here: `tests.model.post_filter` runs it on a whole cycle."""

from tests.model.framework import Plugin


class DefaultPreemption(Plugin):
    name = "DefaultPreemption"
    extension_points = frozenset({"postFilter"})
