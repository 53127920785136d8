"""Plans: what becomes of the pods of manifests once a cluster that receives them is at rest."""
