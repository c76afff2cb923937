"""PostgreSQL tables and queries as a source: read as far as they are new, landed batch by batch. Rows mean what files' rows mean."""
