"""Metrics as `evaluate` modules, one folder each, loaded by path (no hub). Comparing models does not belong here.

To add one, add `<name>/<name>.py` here or under `<data>/metrics`: a class that extends `evaluate.Metric` with

- `direction`: "higher" or "lower" is better, or "neutral" (described, never tested); `unit`: one short phrase;
- `_info()`: `description` in one sentence, and `features` that name the inputs it wants (see `catalogue.INPUTS`);
- `_compute(...)`: `{"values": [one float for each item, or None where it cannot be measured]}`, and optionally
  `"weights"`, which makes the metric a ratio of sums (loss per token).

Metrics that need more than an item's columns (word lists, a model of ratings) are made in `language_quality` and `satisfaction`.
"""
