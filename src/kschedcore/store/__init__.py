"""Versioned objects and watches over a storage back end."""
