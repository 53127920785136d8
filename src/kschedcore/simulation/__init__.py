"""Simulations: a cluster is put through scenarios, and what happens is written down and compared."""

from __future__ import annotations

from kschedcore.simulation.difference import Difference
from kschedcore.simulation.rundirectory import Run
from kschedcore.simulation.simulation import Simulation

__all__ = ["Difference", "Run", "Simulation"]
