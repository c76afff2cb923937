"""The documents that rooms hand to each other as files: one frozen model, one reader and one writer for each.

A dataset's manifest.json, an adapter's adapter_manifest.json and a report's report.json. What is computed from them, and how
they are shown to people, belongs to the rooms above.
"""
