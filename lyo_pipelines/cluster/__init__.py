"""A Ray cluster (extra `ray`): how it is reached, and how work is handed out to it. What the work is belongs to the rooms above."""
