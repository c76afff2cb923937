"""Preferences out of ratings and edits: which answers were good or bad (KTO), and which was better than which (DPO).

Training on them belongs to training; what curation keeps of badly rated answers (`disliked.parquet`) is curation's.
"""
