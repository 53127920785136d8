"""Strategic merge patches: computing what an apply changes, and applying a patch to an object."""
