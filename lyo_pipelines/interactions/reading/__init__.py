"""Containers (JSONL, CSV, Parquet) to blocks of rows with their positions. What the fields mean belongs to formats/."""
