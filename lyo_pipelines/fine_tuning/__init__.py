"""Fine-tuning that the gateway is asked for: uploaded files become a file of the inbox, a job an intent that a sensor launches."""
