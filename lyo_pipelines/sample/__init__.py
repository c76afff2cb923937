"""The sample log: a seeded generator of interactions with right answers and planted, labelled flaws."""
