"""Training by rewards: which questions can be rewarded, what is rewarded, and who judges without being rewarded."""
