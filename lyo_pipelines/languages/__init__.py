"""Which language a text is written in: script first, then words, then detectors. What to do about it belongs to the rooms that ask."""
