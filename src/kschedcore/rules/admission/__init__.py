"""The parts of admission plugins that only depend on their arguments, without a store."""
