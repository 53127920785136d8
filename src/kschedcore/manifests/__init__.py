"""Reading of manifest files as API objects, and the pods that controllers create from workloads."""
