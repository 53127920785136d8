"""Common machinery of all kinds: the table of kinds, statuses, frozen objects, field errors, conditions, times."""
