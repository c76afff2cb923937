"""From raw interactions to examples worth learning from. Splitting, formatting and training belong elsewhere."""
