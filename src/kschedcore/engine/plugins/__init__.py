"""The in-tree plugins, one file each, which compile pods for the kernels of the native core."""
