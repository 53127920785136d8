"""The scheduler component: queue, cluster state and binding cycle around an engine."""
