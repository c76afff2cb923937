"""When a segment is trained again, and why: signals, policy, decisions, ledger, backtest. Launching belongs to defs/."""
