"""The in-tree plugins, one file each: how a pod is compiled for the kernels of the native core."""
