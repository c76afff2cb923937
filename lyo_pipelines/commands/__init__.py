"""What each `lyo` command does, one module a command. Reading of arguments belongs to cli.py, stages to their rooms."""
