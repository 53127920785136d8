"""Versioned objects, watch and patches, and the words in which the server refuses."""
