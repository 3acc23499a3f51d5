"""The training kit: builds the data files and the default model bundle of `lapor_route`."""
