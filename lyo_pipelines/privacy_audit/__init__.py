"""Whether a training remembers what single people wrote, measured: made-up secrets are planted in a copy, trained and searched for.

Nothing of it is ever in an adapter that serves. Who is erased from where belongs to erasure/, the statistics to statistics/.
"""
