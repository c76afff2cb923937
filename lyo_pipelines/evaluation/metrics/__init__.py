"""Metrics as `evaluate` modules, one folder each, loaded by path (no hub). Comparing models does not belong here.

To add one, write `<name>/<name>.py` here or under `<data>/metrics`: a class that extends `ItemMetric` (item_metric.py) with

- `direction`: "higher" or "lower" is better, or "neutral" (described, never tested); `unit`: one short phrase;
- `sentence`: what it measures, in one sentence; `source`: the paper or library it is from, if any;
- `value(...)`: one item's number, or None where it cannot be measured. Its parameters name what it wants to see (prediction,
  reference, question, language, ...: `item_metric.ONE`).

`BatchMetric` is for a metric over all items at once, or with weights, which make it a ratio of sums (loss per token). A plain
`evaluate.Metric` with `direction` and `unit` is loaded as well.

Metrics that need more than an item's columns (word lists, a model of ratings) are made in `language_quality` and `satisfaction`.
"""
