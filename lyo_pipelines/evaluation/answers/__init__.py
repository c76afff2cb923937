"""Reading one written answer: its text, the number it states, whether it is correct. Whether it fits its task: measures/."""
