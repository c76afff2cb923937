"""Hyperparameter search: trials are trainings of ours, Optuna proposes and prunes by ask and tell, a budget ends it."""
