"""What was said, in whatever form a tool wrote it down: turns, who took them, and which question and answer belong together."""
