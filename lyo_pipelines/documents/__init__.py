"""Documents as a second source: reading, cleaning and chunking them into training examples. Splitting belongs to dataset."""
