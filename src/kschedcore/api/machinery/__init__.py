"""What every kind of object shares: the table of kinds, statuses, frozen objects, field errors, conditions, times."""
