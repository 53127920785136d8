"""Fuzzers: each makes a case from a seed, runs it, and fails when the product does something it never may.

``FUZZERS`` names them. A short run of each is part of the suite; ``make fuzz MINUTES=10`` runs them for longer, and
``python -m tests.fuzz NAME --seed N`` repeats one case.
"""
