"""What trainings cost, before and after, by segment and month; and whether the next one is worth it. Launching belongs to
retraining/."""
