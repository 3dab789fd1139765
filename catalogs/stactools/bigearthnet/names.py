"""Names of synthetic patches: which there are, where they lie, and what each is an example of.

Everything follows from the seed and the name alone, through `mix`; so a patch is the same in
every sample that contains it.
"""

from __future__ import annotations

from functools import cache
from itertools import islice, product
from typing import TYPE_CHECKING, Final, NamedTuple

from stactools.bigearthnet import constants as c

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stactools.bigearthnet.constants import Product, Tile

_WORD = (1 << 64) - 1
_BLOCK = 7
"""Rows of one prefix that follow each other in the plan: 13 blocks make a tile's 91 rows."""
_RARE = 4999
"""One location in so many has twelve labels, one has no 19-class label."""
_EMPTY = 997
"""One patch in so many touches the edge of the swath, where pixels are 0."""

_SPLITS: Final = ((5194, "train"), (7576, "val"), (10_000, "test"))
"""The published shares of the splits, added up, in ten thousandths."""
_SNOW: Final = {11: 150, 12: 300, 1: 500, 2: 450, 3: 350, 4: 60}
"""Thousandths of patches north of 46 degrees covered by snow, by month."""
_NORTH: Final = 5_100_000
_CLOUD: Final = 16
"""Thousandths of patches covered by cloud or its shadow (9,280 of 590,326)."""


class Spot(NamedTuple):
    """A synthetic patch: its name, and the tile and product it is cut from."""

    name: str
    prefix: str
    tile: Tile
    product: Product
    h: int
    v: int

    @property
    def corner(self) -> tuple[int, int]:
        """Outer upper-left corner in metres of the tile's CRS."""
        return (
            self.tile.ulx + c.PATCH_METRES * self.h,
            self.tile.uly - c.PATCH_METRES * self.v,
        )

    @property
    def month(self) -> int:
        """Month of acquisition, 1 to 12."""
        return int(self.prefix[15:17])


class Traits(NamedTuple):
    """What a patch is an example of.

    ``kind`` is ``"common"``, ``"twelve"`` (labels) or ``"dropped"`` (classes without a 19-class
    label, and no other); ``zeros`` tells whether it touches the edge of the swath.
    """

    split: str | None
    snow: bool
    cloud: bool
    kind: str
    zeros: bool


def mix(*values: int) -> int:
    """Return 64 well-mixed bits of some integers (the finaliser of splitmix64, chained)."""
    state = 0x9E3779B97F4A7C15
    for value in values:
        state = ((state ^ value) + 0x9E3779B97F4A7C15) & _WORD
        state = ((state ^ state >> 30) * 0xBF58476D1CE4E5B9) & _WORD
        state = ((state ^ state >> 27) * 0x94D049BB133111EB) & _WORD
        state ^= state >> 31
    return state


@cache
def _products() -> dict[str, tuple[tuple[Tile, Product], ...]]:
    """Return the tiles and products of each prefix, in the order of the real tables."""
    found: dict[str, list[tuple[Tile, Product]]] = {}
    for (prefix, tile), source in c.PREFIX_PRODUCT.items():
        found.setdefault(prefix, []).append((c.TILES[tile], source))
    return {prefix: tuple(pairs) for prefix, pairs in found.items()}


@cache
def _numbers() -> dict[str, int]:
    """Return a number for each prefix and each tile, to mix."""
    return {text: number for number, text in enumerate((*_products(), *c.TILES))}


def spot(prefix: str, h: int, v: int) -> Spot:
    """Return the synthetic patch of a real prefix in column h, row v.

    Where a prefix covers several tiles, they take turns, so that no name comes twice: halves of
    rows go to different tiles.
    """
    pairs = _products()[prefix]
    tile, source = pairs[(v + h // 46) % len(pairs)]
    return Spot(f"{prefix}_{h}_{v}", prefix, tile, source, h, v)


def spot_of(name: str) -> Spot:
    """Return the synthetic patch of a name."""
    prefix, h, v = name.rsplit("_", 2)
    return spot(prefix, int(h), int(v))


def traits(place: Spot, seed: int) -> Traits:
    """Return what a patch is an example of.

    Split and kind belong to the location (tile, h, v), whatever the date; snow and cloud come in
    areas of a date.
    """
    numbers = _numbers()
    where, when = numbers[place.tile.name], numbers[place.prefix]
    area = (place.h // 6, place.v // 6)
    north = place.corner[1] > _NORTH
    likely = _SNOW.get(place.month, 0) if north else 0
    snow = mix(seed, 1, when, where, *area) % 1000 < likely
    cloud = not snow and mix(seed, 2, when, where, *area) % 1000 < _CLOUD
    rare = mix(seed, 3, where, place.h, place.v) % _RARE
    kind = "twelve" if rare == 0 else "dropped" if rare == 1 else "common"
    zeros = mix(seed, 4, when, place.h, place.v) % _EMPTY == 0
    split = None
    if not (snow or cloud or kind == "dropped"):
        share = mix(seed, 5, where, place.h, place.v) % 10_000
        split = next(name for limit, name in _SPLITS if share < limit)
    return Traits(split, snow, cloud, kind, zeros)


def plan_names(size: int, seed: int) -> Iterator[str]:
    """Yield distinct names of synthetic patches, with real prefixes.

    First come about thirty that show every quirk of the release, then rows of up to 91
    neighbours, in blocks of seven rows.

    Parameters
    ----------
    size : int
        How many; the real prefixes have room for 1,035,125.
    seed : int
        Chooses the patches and their order.
    """
    return islice(_names(seed), size)


def _names(seed: int) -> Iterator[str]:
    first = dict.fromkeys(place.name for place in _quirks(seed))
    yield from first
    blocks = list(product(_products(), range(0, c.PATCHES_PER_SIDE, _BLOCK)))
    numbers = _numbers()
    blocks.sort(key=lambda block: mix(seed, 6, numbers[block[0]], block[1]))
    for prefix, top in blocks:
        for v in range(top, min(top + _BLOCK, c.PATCHES_PER_SIDE)):
            for h in range(c.PATCHES_PER_SIDE):
                name = f"{prefix}_{h}_{v}"
                if name not in first:
                    yield name


def _quirks(seed: int) -> Iterator[Spot]:
    """Yield at least one patch of each kind that a reader has to cope with."""

    def of_kind(wanted: Callable[[Spot, Traits], bool]) -> Spot:
        return next(place for place in _wander(seed) if wanted(place, traits(place, seed)))

    for split in ("train", "val", "test"):
        yield of_kind(lambda _, found, split=split: found.split == split)  # type: ignore[misc]
    yield of_kind(lambda _, found: found.snow)
    yield of_kind(lambda _, found: found.cloud)
    yield of_kind(lambda _, found: found.kind == "dropped")
    yield of_kind(lambda _, found: found.kind == "twelve" and found.split is not None)
    yield of_kind(lambda _, found: found.zeros and not found.snow and not found.cloud)
    yield of_kind(lambda place, found: _digits(place) == 5 and bool(found.split))  # noqa: PLR2004 - of 5
    for second in ("60", "61"):
        yield of_kind(lambda place, _, second=second: place.prefix.endswith(second))  # type: ignore[misc]
    yield from _one_prefix(seed)
    yield from _four_dates(seed)
    for epsg in sorted({tile.epsg for tile in c.TILES.values()}):
        yield of_kind(lambda place, _, epsg=epsg: place.tile.epsg == epsg)  # type: ignore[misc]
    for mission in c.PLATFORMS:
        yield of_kind(lambda place, _, mission=mission: place.prefix.startswith(mission))  # type: ignore[misc]
    yield from _overlapping(seed)


def _digits(place: Spot) -> int:
    return len(place.prefix.rpartition("T")[2])


def _wander(seed: int) -> Iterator[Spot]:
    """Yield patches of all prefixes, anywhere, for ever."""
    prefixes = tuple(_products())
    for step in range(1 << 32):
        bits = mix(seed, 7, step)
        h, v = (bits >> 16) % c.PATCHES_PER_SIDE, (bits >> 32) % c.PATCHES_PER_SIDE
        yield spot(prefixes[bits % len(prefixes)], h, v)


def _one_prefix(seed: int) -> Iterator[Spot]:
    """Yield neighbours of one prefix that lie in different tiles."""
    shared = [prefix for prefix, pairs in _products().items() if len(pairs) > 1]
    prefix, v = shared[mix(seed, 8) % len(shared)], mix(seed, 9) % c.PATCHES_PER_SIDE
    yield spot(prefix, 45, v)
    yield spot(prefix, 46, v)


def _four_dates(seed: int) -> Iterator[Spot]:
    """Yield one location on four dates."""
    for place in _wander(seed):
        dates: dict[str, Spot] = {}
        for prefix, tile in c.PREFIX_PRODUCT:
            if tile == place.tile.name:
                other = spot(prefix, place.h, place.v)
                if other.tile == place.tile:
                    dates.setdefault(prefix[11:19], other)
        if len(dates) >= 4:  # noqa: PLR2004 - the most dates that the release has
            yield from islice(dates.values(), 4)
            return


def _overlapping(seed: int) -> Iterator[Spot]:
    """Yield three pairs of patches of overlapping tiles that are in different splits."""
    left = 3
    for place in _wander(seed):
        found = next(_neighbours(place), None)
        if found is None:
            continue
        splits = {traits(place, seed).split, traits(found, seed).split}
        if len(splits) == 2 and None not in splits:  # noqa: PLR2004 - a pair
            yield place
            yield found
            left -= 1
            if not left:
                return


def _neighbours(place: Spot) -> Iterator[Spot]:
    """Yield patches of other tiles of the same zone that share ground with one."""
    ulx, uly = place.corner
    for prefix, name in c.PREFIX_PRODUCT:
        tile = c.TILES[name]
        if tile.epsg != place.tile.epsg or tile == place.tile:
            continue
        h, v = (ulx - tile.ulx) // c.PATCH_METRES, (tile.uly - uly) // c.PATCH_METRES
        if 0 <= h < c.PATCHES_PER_SIDE and 0 <= v < c.PATCHES_PER_SIDE:
            other = spot(prefix, h, v)
            if other.tile == tile:
                yield other
