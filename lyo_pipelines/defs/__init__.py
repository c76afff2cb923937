"""The only room that imports Dagster: read, call a room below, report. Logic of a stage does not belong here."""
