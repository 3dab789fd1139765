"""From the raw download of an Earth-observation training dataset to a published STAC catalog."""
