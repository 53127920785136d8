"""Dynamic resource allocation: which devices a pod's claims get on a node (`resource.k8s.io/v1`)."""
