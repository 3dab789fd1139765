"""Addresses of the STAC extensions in use, each in one pinned version, and their schemas' digests.

Versions: the registry at https://stac-extensions.github.io (state of August 2026). A digest is the
SHA-256 of ``schema.json`` as that site serves it, so that a schema from a folder, a cache or the
network is either exactly the one that was read and tested, or refused.
"""

from __future__ import annotations

BASE = "https://stac-extensions.github.io/"


def _url(name: str, version: str) -> str:
    return f"{BASE}{name}/v{version}/schema.json"


ALTERNATE_ASSETS = _url("alternate-assets", "1.2.0")
CLASSIFICATION = _url("classification", "2.0.0")
DATACUBE = _url("datacube", "2.3.0")
EO = _url("eo", "2.0.0")
FILE = _url("file", "2.1.0")
GRID = _url("grid", "1.1.0")
LABEL = _url("label", "1.0.1")
ML_AOI = _url("ml-aoi", "0.2.0")
PROCESSING = _url("processing", "1.2.0")
PROJECTION = _url("projection", "2.0.0")
RASTER = _url("raster", "2.0.0")
RENDER = _url("render", "2.0.0")
SAT = _url("sat", "1.2.0")
SCIENTIFIC = _url("scientific", "1.0.0")
STORAGE = _url("storage", "2.0.0")
TABLE = _url("table", "1.2.0")
VERSION = _url("version", "1.2.0")
WEB_MAP_LINKS = _url("web-map-links", "1.2.0")

SHA256 = {
    ALTERNATE_ASSETS: "30abedc36e8489b8e63097e610aa8f4c56bd7a0967e7cb5aa0fa437a8770c951",
    DATACUBE: "632943a6c692dd99e699e863c3eb9ee3ffa825bdfe2f38e98db0153546da0e88",
    EO: "7430cb2bac7ad4f0b401dacb78531c84adaa4c07903b6d9fd528a1e1e136d1af",
    FILE: "03567215bb1402f5104ca9919daaa5bbfe9456a499f185606247b4b2d1f23ad1",
    GRID: "9637929dbdb547c3a8e39fe54643d21290ab0fcd8eca4b0b47b07a75f3a65236",
    LABEL: "729528a1ea57f1aafda67ec821c4f7d8434f3f4a47a27126775ccffa0509959f",
    ML_AOI: "991a5ff02f77d057a35ed95f0fe777f5591c529c52ed8d9d75c9d088fb457bf0",
    PROCESSING: "a245a18ef537b2f1fddc7cbb833d48e1422378db953787c8f62e34bd5b7952fb",
    PROJECTION: "77dd829eb10f5ea8b9660cece70020c5f864401e286df638567f33afba5a6fce",
    RASTER: "0dfbe122deaba75e7632a9dffdea018c30c5eefed212a6de5d7eac43c99f162d",
    RENDER: "7395e3f4e9b216bab17c2d7f58684e84cb8adcb5abf91437a622c9edf2e8aa1a",
    SAT: "baf261cf89516f718292b1c38dd2a5510b7a5f62cac063805565ae2d2e7990ea",
    SCIENTIFIC: "fab3f50346dab2cb78c621f633e51b79b64ea894ace085867b28e97745e521bb",
    STORAGE: "c0e2720fd4e1ced70c32f1880ca304d997267b2f0bdfbeda64b5e8a3dbdfe9e0",
    TABLE: "f31b81a6a5d64e565a7c8108e4f612ae739ea81fd6f9c33a1d55e821d0f64b95",
    VERSION: "b1590d8c9599db824b01b06caf993bfd903b503bd548d6b58b4c413b20b4333e",
    WEB_MAP_LINKS: "ce865ba5f6c3459b78db3321a7237161ffc187ad4a7048eda7ef44b1526a12e4",
}
"""SHA-256 of each schema file, by its address. `CLASSIFICATION` has none: see `schemas`."""
