"""kschedcore: where does this pod go, and why?"""

from kschedcore.version import __version__

__all__ = ["__version__"]
