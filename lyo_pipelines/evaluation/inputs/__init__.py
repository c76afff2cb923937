"""What an evaluation is made of: test items, other segments' items, rated answers. Choosing the models to compare: planning/."""
