"""Logs of which each row is one message: which column says what, and how the rows of a conversation become questions with answers."""
