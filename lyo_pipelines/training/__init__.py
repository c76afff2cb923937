"""From a dataset version to an adapter. Judging the adapter belongs to evaluation; nothing here knows Dagster's contexts.

Light modules (recipes, plan, base models, lock, checkpoints, metrics) stand here; all that needs torch stands in `engine/`,
which runs in a process of its own: `python -m lyo_pipelines.training.engine`.
"""
