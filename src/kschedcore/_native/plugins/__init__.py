"""The kernels of the in-tree plugins, one plugin a module, named as in Kubernetes."""
