"""The in-tree plugins' kernels, one rule a module, named as Kubernetes names the plugin."""
