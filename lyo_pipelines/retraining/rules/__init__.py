"""One module per kind of trigger (F1 to F4): each rule is a small pure function from a case to findings."""
