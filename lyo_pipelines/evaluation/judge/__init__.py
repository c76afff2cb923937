"""A language model that judges answers in pairs, in both orders, and how far people agree with it. Asking it is the engine's."""
