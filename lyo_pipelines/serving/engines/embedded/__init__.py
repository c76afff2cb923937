"""The inside of the torch engine: models in memory, and the one thread that runs them."""
