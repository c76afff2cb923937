"""Running metrics over what models answered, and comparing models by them. A metric's own rule stands in metrics/."""
