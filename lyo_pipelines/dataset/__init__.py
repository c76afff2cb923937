"""From curated examples to immutable train, validation and test files. Curating and training belong to other rooms."""
