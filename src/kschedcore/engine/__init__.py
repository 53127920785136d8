"""One pod from start to bind: profiles and their plugins, the scheduling cycle, preemption, explanations."""
