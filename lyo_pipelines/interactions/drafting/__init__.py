"""A first mapping for a file that nobody described: what its columns look like, and which field of ours each may be."""
