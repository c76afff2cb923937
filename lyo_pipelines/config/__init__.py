"""Settings from the environment, and the configuration. No logic of any stage belongs here."""
