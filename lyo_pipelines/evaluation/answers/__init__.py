"""Reading one written answer: its text, the number it states, whether it is correct and valid. Models are compared elsewhere."""
