"""Admission of writes: defaults, validation and admission plugins."""
