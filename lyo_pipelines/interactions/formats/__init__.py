"""What the rows of a known format mean: each shape turns one row of its own into a canonical one."""
