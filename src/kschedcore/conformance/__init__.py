"""Recordings of a real cluster's behaviour, replayed here and compared.

A recording is a file of cases; each case says what there was, what was asked and what Kubernetes answered,
step by step. :mod:`.files` finds and reads them, :mod:`.formats` knows which kind of case is which,
:mod:`.replay` runs them and counts. A new kind of case is one module with a :class:`.formats.Format`, and a
line in its registry.
"""
