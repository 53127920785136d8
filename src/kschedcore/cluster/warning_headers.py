"""Warnings of the API server, which kubectl prints as ``Warning: …``, as Python warnings."""

from __future__ import annotations

import inspect
import warnings

from kschedcore.errors import APIWarning

__all__ = ["show_warning"]


def show_warning(text: str) -> None:
    """Issue a warning at the line of the program that called kschedcore."""
    frame, level = inspect.currentframe(), 1
    while frame is not None and frame.f_globals.get("__name__", "").startswith("kschedcore."):
        frame, level = frame.f_back, level + 1
    warnings.warn(text, APIWarning, stacklevel=level)
