"""Fault injection: clusters whose components crash, lose connections and restart at random.

:mod:`kschedcore.chaos.invariants` says what must hold all the same.
"""
