"""What landing keeps on disk besides rows: the ledger of files, files by day, the index of match keys."""
