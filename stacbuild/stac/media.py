"""Media types of what a catalog holds (``mimetypes`` knows neither COG nor Parquet).

Source: STAC best practices, and the IANA registrations of GeoJSON and Apache Parquet.
"""

from __future__ import annotations

COG = "image/tiff; application=geotiff; profile=cloud-optimized"
GEOTIFF = "image/tiff; application=geotiff"
GEOJSON = "application/geo+json"
JSON = "application/json"
JPEG = "image/jpeg"
PNG = "image/png"
PARQUET = "application/vnd.apache.parquet"
CSV = "text/csv"
TEXT = "text/plain"
MARKDOWN = "text/markdown; charset=utf-8"
GZIP = "application/gzip"
BZIP2 = "application/x-bzip2"

BY_SUFFIX = {
    ".tif": COG,
    ".geojson": GEOJSON,
    ".json": JSON,
    ".jpg": JPEG,
    ".png": PNG,
    ".parquet": PARQUET,
    ".csv": CSV,
    ".txt": TEXT,
    ".md": MARKDOWN,
    ".gz": GZIP,
    ".bz2": BZIP2,
}
