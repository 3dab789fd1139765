"""``python -m stacbuild``: the same as ``stacbuild``."""

from __future__ import annotations

from stacbuild.cli import main

main()
