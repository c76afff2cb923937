"""Models behind OpenAI-compatible endpoints: asking them with patience, and what it cost. What is asked stands elsewhere."""
