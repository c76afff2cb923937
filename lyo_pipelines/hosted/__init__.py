"""Fine-tuning by a provider over the OpenAI API's shape, at any address: prepared, paid once, followed, recorded."""
