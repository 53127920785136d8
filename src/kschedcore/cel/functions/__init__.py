"""The function libraries, one module each."""
