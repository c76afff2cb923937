"""How each segment fares, day by day: aggregates that add up, so that nobody has to read interactions again to know."""
