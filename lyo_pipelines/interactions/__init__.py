"""From files of any known shape to landed interactions. Judging their quality belongs to curation."""
