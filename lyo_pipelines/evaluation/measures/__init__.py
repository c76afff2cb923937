"""Running metrics over what models answered, judging answers by their task, and comparing models. A metric's own rule: metrics/."""
