"""One input file into the lake, whole or not at all, and the inbox that holds many."""
