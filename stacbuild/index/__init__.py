"""The index: items and splits as GeoParquet tables, and the leakage report."""
