"""HTTP extenders: the client side."""
