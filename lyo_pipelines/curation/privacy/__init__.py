"""Finding personal data in texts and replacing it with typed placeholders. Values are never logged, counted by value, or stored."""
