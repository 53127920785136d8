"""Controllers: each reconciles the actual state with the desired state, one key at a time."""
