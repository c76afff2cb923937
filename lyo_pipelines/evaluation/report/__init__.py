"""report.json and its readable form: slices, gates, tables, plots. Asking models belongs to the engine."""
