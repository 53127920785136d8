"""Dynamic resource allocation: the devices of a cluster, and which of them a pod's claims get (KEP-4381)."""
