"""The scheduling engine: profiles and plugins, the scheduling cycle, preemption, explanations."""
