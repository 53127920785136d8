"""HTTP extenders, as the engine calls them."""
