"""The command line: ``kschedcore schedule | explain | fit | conformance | demo``.

One file a command. A command parses flags, calls the library and prints; it decides nothing itself.
Nothing heavy is imported before a command needs it, so that ``kschedcore --version`` answers at once.
"""

from kschedcore.cli.entry import main, run

__all__ = ["main", "run"]
