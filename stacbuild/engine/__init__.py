"""The engine: drives a dataset package from raw files to a static catalog."""
