"""The rule book of the API: defaults, validation and resource amounts, for manifests and for the API server alike."""
