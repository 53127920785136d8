"""Defaults, validation and admission plugins: what the API server does to a write before it is stored."""
