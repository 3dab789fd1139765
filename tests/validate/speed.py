"""Measure how long the items of a catalog take to validate: ``python speed.py CATALOG``.

Prints microseconds of CPU an item, the best of seven rounds, for each collection: as items are
made (fast), and as a finished catalog is judged (exact).
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from stacbuild.stac.encode import loads
from stacbuild.validate.item import ItemValidator

ROUNDS = 7
MOST = 2_000


def best(validator: ItemValidator, items: list[dict[str, Any]]) -> float:
    """Return the least CPU time an item, in microseconds."""
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        for item in items:
            validator.validate(item)
        times.append(time.process_time() - start)
    return min(times) / len(items) * 1e6


def main(root: Path) -> None:
    """Measure the items of a catalog."""
    items = defaultdict(list)
    for path in sorted(root.glob("*/*/*/**/*.json"))[:MOST]:
        value = loads(path.read_bytes())
        if value.get("type") == "Feature":
            items[value["collection"]].append(value)
    for name, some in items.items():
        many = some * max(1, 200 // len(some))
        fast, exact = (best(ItemValidator(exact=exact), many) for exact in (False, True))
        sys.stdout.write(
            f"{name}: {fast:.0f} us fast, {exact:.0f} us exact; {len(some[0]['assets'])} assets, "
            f"{len(some[0]['stac_extensions'])} extensions\n"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
