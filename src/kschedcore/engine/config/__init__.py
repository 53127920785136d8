"""KubeSchedulerConfiguration: reading, defaults and validation."""
