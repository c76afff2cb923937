"""The training process: the only place of this room that imports torch at its top. Nothing that Dagster loads imports it."""
