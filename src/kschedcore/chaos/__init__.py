"""Fault injection: clusters whose components crash, lose connections and restart at random.

:mod:`kschedcore.chaos.invariants` lists the properties that hold nevertheless.
"""
