"""Who is asked, and what follows from what they got: assignment, brakes, evidence and the decision of each step. Pure."""
