"""What one field of a row becomes: numbers, times, JSON, pseudonyms; and which column is which field. Rows: formats/."""
