"""What synthetic patches there are: their names, places, labels, splits and exclusions.

The order of the names is fixed, so a sample of N patches is the beginning of a larger one. What a
patch is like depends on the seed and on its name or place alone. Prefixes, tiles and products are
the real ones, so the names have the quirks of the release: hours without their zero, seconds up
to 61, one prefix over several tiles, several dates at one place.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Final

from stactools.bigearthnet import constants as c

if TYPE_CHECKING:
    from collections.abc import Iterator

SIDE: Final = c.PATCHES_PER_SIDE

# The first scenes: every UTM zone, both satellites, four dates of 29SNB, 29SNC that overlaps it,
# one prefix over 31UGR and 31UGS (which overlap too) and over 33UUP and 34VER, seconds 60 and 61.
_FIRST: Final = (
    ("S2B_MSIL2A_20170818T112109", "29SNB"),
    ("S2A_MSIL2A_20171002T112112", "29SNB"),
    ("S2A_MSIL2A_20171201T112431", "29SNB"),
    ("S2B_MSIL2A_20180326T112109", "29SNB"),
    ("S2A_MSIL2A_20171002T112111", "29SNC"),
    ("S2A_MSIL2A_20170613T101031", "33UUP"),
    ("S2A_MSIL2A_20170613T101031", "34VER"),
    ("S2B_MSIL2A_20180204T94161", "35VPK"),
    ("S2B_MSIL2A_20180204T94160", "35VNJ"),
    ("S2A_MSIL2A_20180508T104031", "31UGR"),
    ("S2A_MSIL2A_20180508T104031", "31UGS"),
    ("S2A_MSIL2A_20170818T103021", "32TMT"),
    ("S2B_MSIL2A_20170716T093039", "36VVR"),
    ("S2A_MSIL2A_20170617T113321", "29UPU"),
    ("S2A_MSIL2A_20180527T93042", "35VPK"),
    ("S2B_MSIL2A_20171219T95410", "33TWN"),
)
ALL_QUIRKS: Final = len(_FIRST)
"""A sample of this many patches has every quirk."""

# First cell (h, v) of a tile; the rows 83 to 90 of the northern tiles overlap the southern ones.
_ANCHORS: Final = {
    "29SNB": (40, 0),
    "29SNC": (40, 83),
    "31UGR": (10, 0),
    "31UGS": (10, 83),
    "33UUP": (30, 40),
    "34VER": (2, 50),
}
_TWELVE, _EMPTY, _SNOW, _CLOUD, _EDGE = "twelve", "empty", "snow", "cloud", "edge"
# What lies at a tile's anchor on all dates, what is there on one date, and its split, whatever
# the seed.
_PLACES: Final = {"33UUP": _TWELVE, "29UPU": _EMPTY}
_DATES: Final = {
    ("S2B_MSIL2A_20180204T94161", "35VPK"): _SNOW,
    ("S2A_MSIL2A_20180508T104031", "31UGR"): _CLOUD,
    ("S2A_MSIL2A_20170818T103021", "32TMT"): _EDGE,
}
_SPLITS: Final = {"29SNB": "train", "29SNC": "val", "34VER": "test"}
# Scenes join after so many rounds: a small sample has few of them, with neighbouring patches.
_WAVES: Final = ((0, 16), (300, 32), (700, None))

_ROW: Final = 63
"""Patches of one prefix in one row, on average: 590,326 in 9,392 rows."""

_TWELVE_LABELS: Final = (1, 2, 9, 10, 11, 17, 19, 20, 22, 23, 38, 39)
_NORTH, _MIDDLE, _SOUTH = 0, 1, 2
_BELTS: Final = {"V": _NORTH, "W": _NORTH, "U": _MIDDLE, "T": _MIDDLE, "S": _SOUTH}
# Weights of 43-class indices by belt; every other class has weight 1.
_COMMON: Final = (
    {23: 110, 24: 105, 28: 80, 39: 55, 34: 30, 11: 45, 20: 45, 22: 25, 42: 30, 1: 20, 17: 6},
    {11: 110, 17: 70, 19: 55, 20: 60, 22: 60, 1: 45, 24: 35, 23: 30, 2: 12, 38: 10, 14: 6, 39: 8},
    {21: 60, 22: 55, 28: 65, 16: 30, 27: 25, 19: 45, 20: 45, 11: 45, 12: 25, 14: 18, 42: 30},
)
_WEIGHTS: Final = tuple(
    tuple(common.get(index, 1) for index in range(len(c.LABELS_43))) for common in _COMMON
)
# Patches in 1000 with one label, two labels, and so on: 2.9 labels a patch.
_HOW_MANY: Final = (180, 280, 240, 160, 90, 30, 15, 5)
_DROPPED: Final = tuple(index for index, target in enumerate(c.TO_19) if target is None)
_SEASONS: Final = (
    ("20170827", "Summer"),
    ("20171201", "Fall"),
    ("20180301", "Winter"),
    ("99999999", "Spring"),
)


class Dice:
    """Random numbers from a seed and a name, the same on every machine and version.

    Parameters
    ----------
    key : object
        What the numbers depend on; its text is hashed.
    size : int
        How many 32-bit numbers there are.
    """

    def __init__(self, *key: object, size: int = 64) -> None:
        self._data = hashlib.shake_128("/".join(map(str, key)).encode()).digest(4 * size)
        self._at = 0

    def below(self, limit: int) -> int:
        """Return the next number, 0 or more and less than the limit."""
        at = self._at
        self._at = at + 4
        return int.from_bytes(self._data[at : at + 4], "little") * limit >> 32

    def weighted(self, weights: tuple[int, ...] | list[int]) -> int:
        """Return an index, as likely as its weight says."""
        left = self.below(sum(weights))
        for index, weight in enumerate(weights):
            left -= weight
            if left < 0:
                return index
        raise AssertionError("unreachable")


@dataclass(frozen=True)
class Planned:
    """A synthetic patch.

    Parameters
    ----------
    prefix : str
        Mission, level and altered date-time: the beginning of its name.
    tile : Tile
        Where it lies.
    h, v : int
        Column and row in the tile.
    seed : int
        The sample's seed.
    trait : str
        What the plan wants it to be, or nothing.
    split_hint : str
        The list that it must be in, or nothing.
    """

    prefix: str
    tile: c.Tile
    h: int
    v: int
    seed: int
    trait: str = ""
    split_hint: str = ""

    @property
    def name(self) -> str:
        """The patch's name."""
        return f"{self.prefix}_{self.h}_{self.v}"

    @property
    def product(self) -> c.Product:
        """The true L1C product."""
        return c.PREFIX_PRODUCT[self.prefix, self.tile.name]

    @property
    def corner(self) -> tuple[int, int]:
        """Outer upper-left corner in metres."""
        return self.tile.ulx + c.PATCH_METRES * self.h, self.tile.uly - c.PATCH_METRES * self.v

    @property
    def belt(self) -> int:
        """0 in the north of Europe, 1 in the middle, 2 in the south."""
        return _BELTS[self.tile.name[2]]

    @property
    def month(self) -> int:
        """Month of acquisition, 1 to 12."""
        return int(self.prefix[15:17])

    @property
    def season(self) -> str:
        """As the community table names it."""
        day = self.prefix[11:19]
        return next(season for last, season in _SEASONS if day < last)

    @property
    def country(self) -> str:
        """One of the tile's countries."""
        countries = self.tile.countries
        return countries[self.place_dice("country").below(len(countries))]

    def place_dice(self, purpose: str, size: int = 64) -> Dice:
        """Return dice that fall the same for all dates at the patch's place."""
        return Dice(self.seed, purpose, self.tile.name, self.h, self.v, size=size)

    def name_dice(self, purpose: str, size: int = 64) -> Dice:
        """Return dice of the patch's own."""
        return Dice(self.seed, purpose, self.name, size=size)

    @cached_property
    def labels(self) -> tuple[int, ...]:
        """43-class indices, the one that covers most first."""
        if self.trait == _TWELVE:
            return _TWELVE_LABELS
        dice = self.place_dice("labels")
        if self.trait == _EMPTY or dice.below(3000) == 0:
            return (_DROPPED[dice.below(len(_DROPPED))],)
        weights = list(_WEIGHTS[self.belt])
        for index in _DROPPED:
            weights[index] = 0  # the first label is one of the 19 classes
        labels: list[int] = []
        for _ in range(1 + dice.weighted(_HOW_MANY)):
            labels.append(dice.weighted(weights))
            if len(labels) == 1:
                weights = list(_WEIGHTS[self.belt])
            weights[labels[-1]] = 0
        return tuple(labels)

    @cached_property
    def listed(self) -> str:
        """The list that holds it: train, val, test, snow, cloud or no_19_class."""
        if self.trait in (_SNOW, _CLOUD):
            return self.trait
        if all(c.TO_19[label] is None for label in self.labels):
            return "no_19_class"
        dice = self.name_dice("listed")
        winter = self.month in (12, 1, 2, 3) and self.belt == _NORTH
        if winter and not self.split_hint and dice.below(100) < 45:  # noqa: PLR2004 - percent
            return _SNOW
        if not self.split_hint and not self.trait and dice.below(1000) < 16:  # noqa: PLR2004 - per mille, as in the release
            return _CLOUD
        if self.split_hint:
            return self.split_hint
        return ("train", "val", "test")[self.place_dice("split").weighted([5194, 2382, 2424])]

    @property
    def edge(self) -> bool:
        """Whether the swath ends within it: some of its pixels are 0 in all bands."""
        return self.trait == _EDGE or self.name_dice("edge").below(250) == 0

    @property
    def acquisition_date(self) -> str:
        """As its JSON has it: the altered time where that is a time, else a time just before."""
        digits = self.prefix[20:].zfill(6)
        seconds = int(digits[4:])
        # 9:41:61 in a name is 9:41:56 in its JSON (the real case that is known).
        text = f"{seconds:02d}" if seconds < 60 else f"{seconds - 5:02d}"  # noqa: PLR2004 - a minute
        day = self.prefix[11:19]
        return f"{day[:4]}-{day[4:6]}-{day[6:]} {digits[:2]}:{digits[2:4]}:{text}"

    @property
    def tile_source(self) -> str:
        """The product's name as its JSON has it: with the altered time."""
        name = self.product.name
        return f"{name[:20]}{self.prefix[20:]}{name[26:]}.SAFE"

    @property
    def s1_name(self) -> str:
        """Name of a Sentinel-1 patch of the same place."""
        dice = self.name_dice("s1")
        hour, minute = (6, 16)[dice.below(2)], dice.below(60)
        return (
            f"S1{'AB'[dice.below(2)]}_IW_GRDH_1SDV_{self.prefix[11:19]}T{hour:02d}{minute:02d}"
            f"{dice.below(60):02d}_{self.tile.name}_{self.h}_{self.v}"
        )


def plan(size: int, seed: int) -> Iterator[Planned]:
    """Yield the first patches of the plan; fewer where there are no more.

    Parameters
    ----------
    size : int
        How many.
    seed : int
        What they are like; it does not change their names.
    """
    return islice(_plan(seed), size)


def names(size: int) -> Iterator[str]:
    """Yield the names alone, for measuring scans and plans: 590,326 take about two seconds."""
    return (planned.name for planned in plan(size, 0))


def _plan(seed: int) -> Iterator[Planned]:
    scenes = _scenes()
    # One byte a cell and prefix: a name belongs to the tile that came first.
    taken = {prefix: bytearray(SIDE * SIDE) for _, prefix, _ in scenes}
    for turn in range(SIDE * SIDE + _WAVES[-1][0]):
        for start, prefix, tile_name in scenes:
            if not 0 <= turn - start < SIDE * SIDE:
                continue
            h, v = _cell(tile_name, turn - start)
            if taken[prefix][h * SIDE + v]:
                continue
            taken[prefix][h * SIDE + v] = 1
            tile = c.TILES[tile_name]
            if turn == start:
                trait = _PLACES.get(tile_name) or _DATES.get((prefix, tile_name), "")
                yield Planned(prefix, tile, h, v, seed, trait, _SPLITS.get(tile_name, ""))
            else:
                yield Planned(prefix, tile, h, v, seed)


@lru_cache(maxsize=1)
def _scenes() -> list[tuple[int, str, str]]:
    """Return the round in which a scene joins, its prefix and its tile."""
    rest = [pair for pair in c.PREFIX_PRODUCT if pair not in _FIRST]
    ordered = [*_FIRST, *rest]
    scenes = []
    at = 0
    for start, count in _WAVES:
        stop = len(ordered) if count is None else at + count
        scenes += [(start, prefix, tile) for prefix, tile in ordered[at:stop]]
        at = stop
    return scenes


@lru_cache(maxsize=1)
def _steps() -> list[tuple[int, int]]:
    """Return the cells from the anchor on, row by row, as far along as rows are in the release."""
    cells = ((i, j) for i in range(SIDE) for j in range(SIDE))
    return sorted(cells, key=lambda cell: (cell[0] >= _ROW, cell[1], cell[0]))


def _cell(tile: str, step: int) -> tuple[int, int]:
    i, j = _steps()[step]
    mixed = zlib.crc32(tile.encode())
    h, v = _ANCHORS.get(tile) or (mixed % 60, mixed // 64 % 60)
    return (h + i) % SIDE, (v + j) % SIDE
