"""From blocks of a file to canonical columns: parsed, formatted, converted, scrubbed. Files and days belong elsewhere."""
