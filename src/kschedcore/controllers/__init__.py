"""Controllers: each brings what is towards what was asked for, one key at a time."""
