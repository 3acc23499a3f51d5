"""Routes whole files: JSONL, CSV and Parquet, streaming, row by row in their order."""

from lapor_route.batch.run import BatchOptions, BatchSummary, route_file

__all__ = ["BatchOptions", "BatchSummary", "route_file"]
