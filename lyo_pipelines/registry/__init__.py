"""The registry of adapters: an append-only event log for each segment, and the state folded out of it. Deciding belongs to rollout."""
