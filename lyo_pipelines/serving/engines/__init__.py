"""Who writes the answers: one small interface, and the engines behind it. HTTP, routing and the journal do not belong here."""
