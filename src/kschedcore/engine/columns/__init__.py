"""Objects to numbers: what the native core is told about nodes and pods."""
