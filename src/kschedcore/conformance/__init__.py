"""Recordings of a real cluster's behaviour, replayed and compared.

A recording is a file of cases. A case has an initial state, inputs, and Kubernetes' results step by step. :mod:`.files`
finds and reads recordings, :mod:`.formats` lists the formats, :mod:`.replay` runs cases and counts results. A folder
named after a version, such as ``v1.36``, gives the version of the recordings below it.
"""
