"""Pictures in questions: what is taken in, how it is kept, and what refers to it. Decisions about rows belong to curation/."""
