"""Is everything that lies in the lake what was put there? Reading, comparing and naming; nothing is mended here."""
