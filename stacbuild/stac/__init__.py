"""STAC as plain dicts: encoding, media types, extension addresses, bands and labels."""
