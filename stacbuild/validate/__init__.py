"""Proof that a catalog is what it says: schemas, links, checksums, COG layout, pixels."""
