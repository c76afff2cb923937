"""One day of interactions out of what landed: duplicates dropped, turns ordered, feedback applied."""
