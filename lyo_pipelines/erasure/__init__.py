"""A person who asks to be forgotten: what of them is where, taking it away everywhere at once, and proof that it is gone."""
