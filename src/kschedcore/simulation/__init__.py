"""Simulations: run scenarios on a simulated cluster, and record and compare the results."""

from __future__ import annotations

from kschedcore.simulation.difference import Difference
from kschedcore.simulation.rundirectory import Run
from kschedcore.simulation.simulation import Simulation

__all__ = ["Difference", "Run", "Simulation"]
