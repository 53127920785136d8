"""Server-side apply: field managers, and merging of applied configurations (KEP-555)."""
