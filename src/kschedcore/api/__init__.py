"""The types of the API: quantities, labels, selectors, taints, schemas, typed views of objects."""
