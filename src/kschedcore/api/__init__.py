"""What a manifest says: quantities, labels, selectors, taints, typed views of objects, loading and checking."""
