"""From the process to a command and back: exit statuses, signals and errors.

Exit statuses, the same for every command:

====  =========================================================================================
   0  done; for ``fit``: everything fits; for ``conformance``: the rate asked for is reached
   1  ``fit``: something does not fit; ``conformance``: the rate is missed
   2  bad input or a bad command line, said in one line on standard error
   3  a fault of kschedcore itself
 130  interrupted
====  =========================================================================================
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from kschedcore.errors import KschedcoreError

__all__ = ["BAD_INPUT", "FAULT", "INTERRUPTED", "NO", "OK", "main", "run"]

OK = 0
NO = 1
BAD_INPUT = 2
FAULT = 3
INTERRUPTED = 130

DEBUG = "KSCHEDCORE_DEBUG"

COLLECT = (200_000, 20, 100)
"""When Python looks for cyclic garbage. A cluster's dump is a million objects that stay until the end: looking
through them at the usual pace takes as long as reading them."""


def main() -> NoReturn:
    """Run the command line of this process and end it with the command's exit status."""
    if hasattr(signal, "SIGPIPE"):
        # `kschedcore … | head` ends as it would for cat: by the signal, without a word.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    gc.set_threshold(*COLLECT)
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line.

    Args:
        arguments: What follows ``kschedcore`` on the command line.

    Returns:
        The exit status, as listed in this module's documentation. Errors are printed, not raised, unless
        the environment variable ``KSCHEDCORE_DEBUG`` is set and the fault is kschedcore's own.
    """
    import typer

    from kschedcore.cli.app import app

    try:
        status = app(args=list(arguments), prog_name="kschedcore", standalone_mode=False)
    except typer.TyperException as error:
        return fail(f"{error.format_message()}{usage_hint(error)}")
    except KschedcoreError as error:
        return fail(str(error))
    except OSError as error:
        return fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except Exception as error:
        if os.environ.get(DEBUG):
            raise
        problem = f"{type(error).__name__}: {error}".rstrip(": ")
        hint = f"this is a fault of kschedcore; {DEBUG}=1 shows where"
        return fail(f"internal error: {problem} ({hint})", FAULT)
    return status if isinstance(status, int) else OK


def fail(message: str, status: int = BAD_INPUT) -> int:
    """Print ``error: message`` on standard error and return the exit status that goes with it."""
    sys.stdout.flush()
    sys.stderr.write(f"error: {message}\n")
    return status


def usage_hint(error: Exception) -> str:
    """Say where help is, for a command line that could not be parsed."""
    context = getattr(error, "ctx", None)
    return f"\nSee '{context.command_path} --help' for usage." if context is not None else ""
