"""How long what people said is kept: what is older than the settings allow, told first, then taken away as one."""
