"""Run a command line as a process: exit statuses, signals, standard streams and errors.

Exit statuses, the same for every command:

====  =========================================================================================
   0  done; for ``fit``: every pod fits; for ``conformance``: the required rate is reached
   1  ``fit``: some pod does not fit; ``conformance``: the rate is missed
   2  bad input, a bad command line or an output that cannot be written; one line on standard error
   3  a fault of kschedcore itself
 130  interrupted
 141  the reader of the output has closed the pipe
====  =========================================================================================
"""

from __future__ import annotations

import gc
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NoReturn, TextIO

from kschedcore.cli.exits import BAD_INPUT, BROKEN_PIPE, FAULT, INTERRUPTED, NO, OK
from kschedcore.errors import APIWarning, KschedcoreError

__all__ = ["main", "run"]

DEBUG = "KSCHEDCORE_DEBUG"

COLLECT = (200_000, 20, 100)
"""Thresholds of the garbage collector. A dump is a million objects that live until the end: collecting at the default
thresholds takes as long as reading them."""


def main() -> NoReturn:
    """Run the command line of this process and end it with the command's exit status."""
    open_missing_streams()
    gc.set_threshold(*COLLECT)
    try:
        status = written(run(sys.argv[1:]))
    except KeyboardInterrupt:
        status = INTERRUPTED
    sys.exit(status)


def open_missing_streams() -> None:
    """Occupy descriptors 0 to 2 that the process was started without, so that no opened file gets their numbers.

    Each is opened in the wrong direction: reading or writing fails as on a closed descriptor.
    """
    for descriptor, name, mode in (
        (0, "stdin", os.O_WRONLY),
        (1, "stdout", os.O_RDONLY),
        (2, "stderr", os.O_RDONLY),
    ):
        try:
            os.fstat(descriptor)
        except OSError:
            opened = os.open(os.devnull, mode)
            if opened != descriptor:
                os.dup2(opened, descriptor)
                os.close(opened)
            if descriptor:
                setattr(sys, name, open(descriptor, "w", encoding="utf-8", closefd=False))  # noqa: SIM115


def written(status: int) -> int:
    """Flush standard output, and return the exit status that follows from it."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        status = BROKEN_PIPE
    except OSError as error:
        status = fail(f"standard output: {error.strerror}") if status in (OK, NO) else status
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            # Python flushes once more when it exits, and would report the failure.
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return status


def run(arguments: Sequence[str]) -> int:
    """Run one command line.

    Args:
        arguments: What follows ``kschedcore`` on the command line.

    Returns:
        The exit status, as listed in this module's documentation. Errors are printed, not raised, unless
        the environment variable ``KSCHEDCORE_DEBUG`` is set and the fault is kschedcore's own.
    """
    import typer

    from kschedcore.cli.app import PROGRAM, build, source_of
    from kschedcore.cli.completion import is_completion_request

    completing = is_completion_request()
    try:
        with api_warnings_on_stderr():
            status = build().main(list(arguments), PROGRAM, standalone_mode=False)
    except typer.TyperException as error:
        source = source_of(error)
        return fail(
            f"{source}: {error.format_message()}"
            if source
            else f"{error.format_message()}{usage_hint(error)}"
        )
    except KschedcoreError as error:
        return fail(str(error))
    except SystemExit as error:
        if completing:
            return error.code if isinstance(error.code, int) else OK
        return BROKEN_PIPE  # typer turns a broken pipe into this
    except BrokenPipeError:
        return BROKEN_PIPE
    except OSError as error:
        problem = error.strerror or str(error)
        return fail(f"{error.filename}: {problem}" if error.filename else problem)
    except RecursionError:
        return fail("the input is nested too deeply")
    except UnicodeEncodeError as error:
        return fail(f"found {error.object[error.start : error.end]!r}, which is not a Unicode character")
    except MemoryError:
        return fail("out of memory; see the reference of limits for how to bound the input")
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except Exception as error:
        if os.environ.get(DEBUG):
            raise
        problem = f"{type(error).__name__}: {error}".rstrip(": ")
        hint = f"this is a fault of kschedcore; {DEBUG}=1 shows where"
        return fail(f"internal error: {problem} ({hint})", FAULT)
    return status if isinstance(status, int) else OK


@contextmanager
def api_warnings_on_stderr() -> Iterator[None]:
    """Print warnings of the API server as kubectl does, ``Warning: …``, each text once."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", APIWarning)
        show_other, shown = warnings.showwarning, set()

        def show(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if not issubclass(category, APIWarning):
                show_other(message, category, filename, lineno, file, line)
            elif (text := str(message)) not in shown:
                shown.add(text)
                with suppress(OSError):
                    sys.stderr.write(f"Warning: {printable(text)}\n")

        warnings.showwarning = show
        yield


def fail(message: str, status: int = BAD_INPUT) -> int:
    """Print ``error: message`` on standard error and return the exit status that goes with it."""
    # Neither stream may be writable; the exit status still reports the failure.
    with suppress(OSError):
        sys.stdout.flush()
    with suppress(OSError):
        sys.stderr.write(f"error: {printable(message)}\n")
        sys.stderr.flush()
    return status


def printable(message: str) -> str:
    """Return a message in characters that standard error can encode."""
    encoding = sys.stderr.encoding or "utf-8"
    return message.encode(encoding, "backslashreplace").decode(encoding)


def usage_hint(error: Exception) -> str:
    """Return a reference to the help of the command whose line could not be parsed."""
    context = getattr(error, "ctx", None)
    return f"\nSee '{context.command_path} --help' for usage." if context is not None else ""
