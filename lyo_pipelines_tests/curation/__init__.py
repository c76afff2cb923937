"""What curation keeps, repairs, redacts and removes."""
