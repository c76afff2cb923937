"""Writing answers fast: one base in memory, many rows at once, each row with its own adapter or none."""
