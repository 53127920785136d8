"""Builds the native core: one extension per ``.pyx`` under ``src/kschedcore/_native``.

Everything else about the package is in ``pyproject.toml``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
from Cython.Build import cythonize
from setuptools import Extension, setup

NATIVE = Path("src/kschedcore/_native")

# Scores are kube-scheduler's integers, computed partly through IEEE doubles: no flag that lets the
# compiler reassociate, contract or approximate may be added here.
EXACT = [] if sys.platform == "win32" else ["-O3", "-ffp-contract=off", "-fno-math-errno", "-std=c11"]

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "cdivision": True,
    "initializedcheck": False,
    "embedsignature": True,
    "freethreading_compatible": False,
}


def extensions() -> list[Extension]:
    """One extension for each ``.pyx`` file, named after it."""
    checked = os.environ.get("KSCHEDCORE_CHECKED") == "1"
    if checked:  # a debug build: every index and uninitialised view is checked
        DIRECTIVES.update(boundscheck=True, initializedcheck=True)
    found = [
        Extension(
            ".".join(path.relative_to("src").with_suffix("").parts),
            [str(path)],
            include_dirs=[np.get_include()],
            define_macros=[("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")],
            extra_compile_args=EXACT,
        )
        for path in sorted(NATIVE.rglob("*.pyx"))
    ]
    if not found:
        return []
    return cythonize(found, compiler_directives=DIRECTIVES, nthreads=os.cpu_count() or 1)


setup(ext_modules=extensions())
