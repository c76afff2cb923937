"""Settings and the configured values. No logic of any stage belongs here."""
