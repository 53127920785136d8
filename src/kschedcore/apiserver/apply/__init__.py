"""Server-side apply: who manages which fields, and merging what they want (KEP-555)."""
