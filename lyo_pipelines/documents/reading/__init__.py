"""From a file's bytes to blocks (headings and pieces of text), one reader per format. Cleaning and cutting belong elsewhere."""
