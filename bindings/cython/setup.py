"""Compiles the kernel against the declarations (``.pxd``) of the installed kschedcore."""

from Cython.Build import cythonize
from setuptools import Extension, setup

from kschedcore import __version__

setup(
    ext_modules=cythonize(
        [Extension("kschedcore_pack.kernel", ["src/kschedcore_pack/kernel.pyx"])],
        compiler_directives={
            "language_level": 3,
            "boundscheck": False,
            "wraparound": False,
            "cdivision": True,
        },
    ),
    # The layouts of the core's types are compiled in.
    install_requires=[f"kschedcore=={__version__}"],
    package_dir={"": "src"},
    packages=["kschedcore_pack"],
)
