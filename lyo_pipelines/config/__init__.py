"""Settings and the owner's figures. No logic of any stage belongs here."""
