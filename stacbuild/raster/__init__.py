"""Pixels: reading raw rasters, writing COGs, pictures, statistics and footprints."""
