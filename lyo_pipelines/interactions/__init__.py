"""From files of any known format to landed interactions. Judging their quality belongs to curation."""
