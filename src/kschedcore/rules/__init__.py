"""The rules of the API: defaults, validation and resource amounts, for both manifests and the API server."""
