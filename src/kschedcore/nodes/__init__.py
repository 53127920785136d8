"""Node agents: what kubelet is to Kubernetes. A bound pod's life, its node's health, and the seam to containers."""

from kschedcore.nodes.agents import NodeAgents
from kschedcore.nodes.runtimes.behaviour import Behaviour
from kschedcore.nodes.runtimes.behaviours import Behaviours
from kschedcore.nodes.runtimes.interface import Runtime
from kschedcore.nodes.runtimes.simulated import SimulatedRuntime

__all__ = ["Behaviour", "Behaviours", "NodeAgents", "Runtime", "SimulatedRuntime"]
