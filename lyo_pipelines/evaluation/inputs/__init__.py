"""What an evaluation is made of: test items, other segments' items, rated answers, the adapter to beat."""
