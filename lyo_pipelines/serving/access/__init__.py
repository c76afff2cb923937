"""Who may ask the gateway, how much, and with what patience. What is answered does not belong here."""
