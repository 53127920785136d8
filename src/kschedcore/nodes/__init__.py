"""Node agents (kubelets): the lifecycle of bound pods, node heartbeats, and the interface to container runtimes."""

from kschedcore.nodes.agents import NodeAgents
from kschedcore.nodes.runtimes.behaviour import Behaviour
from kschedcore.nodes.runtimes.behaviours import Behaviours
from kschedcore.nodes.runtimes.interface import Runtime
from kschedcore.nodes.runtimes.simulated import SimulatedRuntime

__all__ = ["Behaviour", "Behaviours", "NodeAgents", "Runtime", "SimulatedRuntime"]
