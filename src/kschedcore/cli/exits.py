"""The exit statuses of the command line."""

from __future__ import annotations

__all__ = ["BAD_INPUT", "BROKEN_PIPE", "FAULT", "INTERRUPTED", "NO", "OK"]

OK = 0
NO = 1
BAD_INPUT = 2
FAULT = 3
INTERRUPTED = 130
BROKEN_PIPE = 141
"""The exit status that a shell reports after SIGPIPE. The signal itself stays ignored: it would end servers."""
