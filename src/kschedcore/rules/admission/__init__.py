"""The part of admission that only needs the objects it is given: what a class means for the pods that name it."""
