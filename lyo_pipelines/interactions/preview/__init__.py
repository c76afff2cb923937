"""A file as it would land: what is read as what, and rows as they would be. Nothing is written."""
