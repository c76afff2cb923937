"""What one evaluation compares on what: the champion to beat, the models, the metrics, and a fingerprint of it all."""
