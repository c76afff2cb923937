"""What the rows of a known format mean: each format turns one row of its own into a canonical one."""
