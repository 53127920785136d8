"""Plans: the placement of the pods of manifests once the cluster no longer changes."""
