"""Synthetic pixels of a patch: parcels of its land covers, mixed, lit, with grain.

Made of periodic maps that are drawn once a seed. From them on all arithmetic is of whole
numbers (those in float64 stay below 2**53, where sums are exact in any order), so the pixels are
the same on every machine.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from stactools.bigearthnet import constants as c
from stactools.bigearthnet import covers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stactools.bigearthnet.plan import Dice, Planned

    Map = NDArray[Any]

PERIOD: Final = 512
"""Pixels of 10 m after which the maps repeat."""
_SIDE: Final = 120
_MARGIN: Final = 1
_WINDOW: Final = _SIDE + 2 * _MARGIN
_FINE, _COARSE = 22, 40
"""Cells across which regions are spread, in pixels: many small ones, or few large ones."""
_ONE: Final = 1024
"""Fixed point of shares and light."""
_SPECTRA: Final = np.array(covers.SPECTRA, np.float64)
_RIVER, _ROAD = 48, 12
"""Half widths in sixteenths of a pixel: rivers of 60 m, roads of 15 m."""
_FARMED: Final = 22 * _ONE // 100
"""Classes whose fields differ more than this have hedges or tracks between them."""
_INDEX: Final = {
    metres: [c.BAND_NAMES.index(name) for name in names] for metres, names in c.RESOLUTIONS.items()
}
_GRAIN: Final = np.array(covers.GRAIN, np.int32)
_FLOOR: Final = 60
"""Digital numbers of noise where there is no light at all, times 1024 / grain."""
_BRIGHTEST: Final = 20_000


class _Maps(NamedTuple):
    """Periodic maps of one seed; windows of them are cut at random places."""

    regions: tuple[Map, Map]
    """Small and large regions, uint8 numbers."""
    fields: tuple[Map, Map]
    """Fields in them, uint8 numbers."""
    hedges: tuple[Map, Map]
    """Where fields end, bool."""
    course: Map
    """Distance to a winding line, 1/16 pixel, int16."""
    relief: Map
    """Light on slopes and broad change, std 256, int16."""
    crowns: Map
    """Fine texture, std 256, int16."""
    grain: Map
    """White noise, std 256, int16, one-dimensional."""


def pixels(planned: Planned) -> dict[str, NDArray[np.uint16]]:
    """Return the twelve bands of a patch by name, each (rows, columns)."""
    maps = _maps(planned.seed)
    place = planned.place_dice("scenery", size=600)
    own = planned.name_dice("pixels")
    lit = _materials(planned, maps, place, own)
    bands: dict[str, NDArray[np.uint16]] = {}
    inner = lit[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    pooled = (
        inner[0::2, 0::2] + inner[1::2, 0::2] + inner[0::2, 1::2] + inner[1::2, 1::2]
    )  # four pixels of 10 m in one of 20 m
    coarse = pooled.reshape(20, 3, 20, 3, -1).sum(axis=(1, 3))
    sheet = _sheet(planned, maps, own)
    swath = _swath(own) if planned.edge else None
    for metres, light, parts in ((10, lit, 16), (20, pooled, 4), (60, coarse, 36)):
        # Blurring takes 16 parts of each pixel; pooling has added up 4 or 36 of them.
        stack = light @ _SPECTRA[:, _INDEX[metres]]
        if metres == 10:  # noqa: PLR2004 - the finest bands
            stack = _blurred(stack)
        numbers = (stack * (1 / (parts * _ONE * _ONE))).astype(np.int32)
        _finish(numbers, metres, maps, own, sheet)
        if swath is not None:
            numbers[np.kron(swath, np.ones((60 // metres, 60 // metres), bool))] = 0
        stacked = numbers.astype(np.uint16)
        for row, name in enumerate(c.RESOLUTIONS[metres]):
            bands[name] = stacked[:, :, row]
    return bands


def _materials(planned: Planned, maps: _Maps, place: Dice, own: Dice) -> Map:
    """Return light times share of each material, (122, 122, materials), whole numbers."""
    fine = int(len(planned.labels) > 4 or place.below(2))  # noqa: PLR2004 - many labels need many regions
    turn = place.below(8)
    at = place.below(PERIOD), place.below(PERIOD)
    regions = _cut(maps.regions[1 - fine], at, turn)
    fields = _cut(maps.fields[1 - fine], at, turn)
    hedges = _cut(maps.hedges[1 - fine], at, turn)
    label_of = _labels_of(regions, planned.labels, place)
    shares = _shares(planned.belt, planned.month)
    covered, spread, rough = (table[label_of] for table in shares)
    mixed = covered[regions]
    # Fields differ in how far their crop is: leaves against soil and straw.
    vary = maps.grain[own.below(1 << 20) :][:256].astype(np.int32)
    field = vary[fields] * spread[regions] >> 8
    mixed[..., covers.LEAF] += field
    mixed[..., covers.SOIL] -= field * 5 >> 3
    mixed[..., covers.STRAW] -= field * 3 >> 3
    course = _cut(maps.course, _place(place), place.below(8))
    _draw_lines(mixed, planned, place, course, hedges & (spread[regions] > _FARMED))
    np.maximum(mixed, 0, out=mixed)
    crowns = _cut(maps.crowns, _place(place), place.below(8))
    relief = _cut(maps.relief, _place(place), place.below(8))
    # The tone of a field as a whole, the crowns in it, slopes: all are light or shade.
    tone = vary[255 - fields] * (spread[regions] + _ONE // 64) >> 10
    light = _ONE + (crowns * rough[regions] >> 8) + (relief * 14 >> 8) + tone
    np.clip(light, _ONE // 5, 3 * _ONE, out=light)
    light *= covers.LIGHT[planned.month - 1]
    light //= 100
    result: Map = mixed * light[..., None].astype(np.float64)
    return result


def _labels_of(regions: Map, labels: tuple[int, ...], place: Dice) -> NDArray[np.intp]:
    """Return the class of each region: every label somewhere, the first one most."""
    areas = np.bincount(regions.ravel(), minlength=256)
    order = np.argsort(-areas, kind="stable").tolist()
    label_of = np.zeros(256, np.intp)
    weights = [3 + 8 // (rank + 1) for rank in range(len(labels))]
    for rank, region in enumerate(order):
        if not areas[region]:
            break
        label_of[region] = labels[rank if rank < len(labels) else place.weighted(weights)]
    return label_of


@lru_cache(maxsize=64)
def _shares(belt: int, month: int) -> tuple[Map, Map, Map]:
    """Return materials, spread between fields and roughness of each class in that month."""
    green = covers.GREEN[belt][month - 1]
    table = np.zeros((len(covers.COVERS), covers.MATERIALS), np.int64)
    spread = np.zeros(len(covers.COVERS), np.int32)
    rough = np.zeros(len(covers.COVERS), np.int32)
    for index, (percent, fields, texture) in enumerate(covers.COVERS):
        mix = [part * 100 for part in percent]
        withered = percent[covers.LEAF] * (100 - green)
        mix[covers.LEAF] -= withered
        mix[covers.STRAW] += withered * 6 // 10
        mix[covers.SOIL] += withered * 3 // 10
        table[index] = [part * _ONE // 10_000 for part in mix]
        spread[index] = fields * _ONE // 100
        rough[index] = texture * _ONE // 100
    return table.astype(np.float64), spread, rough


def _draw_lines(mixed: Map, planned: Planned, place: Dice, course: Map, hedges: Map) -> None:
    """Draw hedges between fields, a road across, and the water course of patches that have one."""
    if hedges.any():
        material = (covers.NEEDLE, covers.SOIL, covers.LEAF)[place.below(3)]
        mixed[hedges] *= 0.5
        mixed[hedges, material] += _ONE // 2
    rivers = {c.CLC_CODES.index(511), c.CLC_CODES.index(522)}
    if rivers & set(planned.labels):
        _replace(mixed, np.abs(course) < _RIVER, covers.WATER, 1.0)
    elif place.below(2):
        material = covers.BUILT if place.below(2) else covers.SAND
        _replace(mixed, np.abs(course) < _ROAD, material, 0.625)


def _replace(mixed: Map, where: Map, material: int, share: float) -> None:
    mixed[where] *= 1 - share
    mixed[where, material] += share * _ONE
    np.floor(mixed, out=mixed)


def _blurred(stack: Map) -> Map:
    """Return the inner pixels with a sixteenth part of each neighbour: optics are not sharp."""
    rows = stack[:-2] + 2 * stack[1:-1] + stack[2:]
    result: Map = rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]
    return result


def _finish(numbers: Map, metres: int, maps: _Maps, own: Dice, sheet: _Sheet | None) -> None:
    """Lay snow or cloud over the bands, add grain, and keep them in range; in place."""
    bands = _INDEX[metres]
    if sheet is not None:
        step = metres // 10
        cover = sheet.share[step // 2 :: step, step // 2 :: step][..., None]
        numbers += (sheet.spectrum[bands] - numbers) * cover >> 10
    at = own.below(maps.grain.size - numbers.size)
    grain = maps.grain[at : at + numbers.size].reshape(numbers.shape)
    numbers += grain * ((numbers + _FLOOR) * _GRAIN[bands] >> 10) >> 8
    np.clip(numbers, 1, _BRIGHTEST, out=numbers)


class _Sheet(NamedTuple):
    """What covers the ground: its spectrum, and its share of each 10 m pixel of 1024."""

    spectrum: NDArray[np.int32]
    share: Map


def _sheet(planned: Planned, maps: _Maps, own: Dice) -> _Sheet | None:
    if planned.listed not in ("snow", "cloud"):
        return None
    snow = planned.listed == "snow"
    broad = _cut(maps.relief, _place(own), own.below(8))[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    fine = _cut(maps.crowns, _place(own), own.below(8))[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    # Trees stick out of snow; clouds are smooth and thin out.
    share = 600 + (broad * 3 + fine >> 2) if snow else 700 + broad + (fine >> 5)
    spectrum = np.array(covers.SNOW if snow else covers.CLOUD, np.int32)
    return _Sheet(spectrum, np.clip(share, 0, _ONE).astype(np.int32))


def _swath(own: Dice) -> NDArray[np.bool_]:
    """Return where the sensor did not look, in pixels of 60 m: one side of a slanted line."""
    rows, columns = np.mgrid[:20, :20]
    mask: NDArray[np.bool_] = columns * 4 + rows > 50 + own.below(30)
    return mask


def _place(dice: Dice) -> tuple[int, int]:
    return dice.below(PERIOD), dice.below(PERIOD)


def _cut(source: Map, at: tuple[int, int], turn: int) -> Map:
    """Return a window of a map, as int32 where it is a number, turned in one of eight ways."""
    row, column = at
    window = source[row : row + _WINDOW, column : column + _WINDOW]
    if turn & 1:
        window = window.T
    if turn & 2:
        window = window[::-1]
    if turn & 4:
        window = window[:, ::-1]
    return window.astype(np.int32) if source.dtype == np.int16 else window


@lru_cache(maxsize=2)
def _maps(seed: int) -> _Maps:
    """Draw the maps of a seed; takes a fifth of a second."""
    rng = np.random.Generator(np.random.PCG64(seed))
    warp = (_smooth(rng, 3.6), _smooth(rng, 3.6))
    drawn = [_regions(rng, cell, warp) for cell in (_COARSE, _FINE)]
    hills = _smooth(rng, 5.5)
    slope = np.hypot(*np.gradient(np.pad(hills, 1, mode="wrap")))[1:-1, 1:-1]
    course = np.clip(hills / np.maximum(slope, 1e-3) * 16, -2000, 2000)
    return _Maps(
        regions=(drawn[0][0], drawn[1][0]),
        fields=(drawn[0][1], drawn[1][1]),
        hedges=(drawn[0][2], drawn[1][2]),
        course=_periodic(np.rint(course).astype(np.int16)),
        relief=_periodic(_quantised(_smooth(rng, 2.2))),
        crowns=_periodic(_quantised(_smooth(rng, 1.0))),
        grain=_quantised(rng.normal(size=1 << 21)),
    )


def _smooth(rng: np.random.Generator, exponent: float) -> Map:
    """Return periodic noise whose power falls with frequency, mean 0 and std 1."""
    spectrum = np.fft.rfft2(rng.normal(size=(PERIOD, PERIOD)))
    frequency = np.hypot(np.fft.fftfreq(PERIOD)[:, None], np.fft.rfftfreq(PERIOD))
    frequency[0, 0] = 1
    spectrum *= frequency ** (-exponent / 2)
    spectrum[0, 0] = 0
    field = np.fft.irfft2(spectrum, (PERIOD, PERIOD))
    result: Map = field / field.std()
    return result


def _quantised(values: Map) -> Map:
    result: Map = np.clip(np.rint(values * 256), -1400, 1400).astype(np.int16)
    return result


def _periodic(source: Map) -> Map:
    """Return a map with its first rows and columns repeated, so that windows need not wrap."""
    return np.ascontiguousarray(np.pad(source, ((0, _WINDOW), (0, _WINDOW)), mode="wrap"))


def _regions(rng: np.random.Generator, cell: int, warp: tuple[Map, Map]) -> tuple[Map, Map, Map]:
    """Return regions, the fields in them, and where fields end.

    Regions are the cells nearest to points of a jittered grid, seen through warped coordinates;
    the fields of a region are bricks along its own direction.
    """
    across = PERIOD // cell
    size = PERIOD / across
    points = (np.mgrid[:across, :across] + rng.uniform(0.1, 0.9, (2, across, across))) * size
    grid = np.mgrid[:PERIOD, :PERIOD].astype(np.float64)
    y, x = (grid[axis] + warp[axis] * cell * 0.3 for axis in (0, 1))
    best = np.full((PERIOD, PERIOD), np.inf)
    owner = np.zeros((PERIOD, PERIOD), np.intp)
    offset = np.zeros((2, PERIOD, PERIOD))
    home = [np.floor(values / size).astype(np.intp) for values in (y, x)]
    for down in range(-1, 2):
        for right in range(-1, 2):
            row, column = home[0] + down, home[1] + right
            wrapped = row % across, column % across
            # Points beyond the edge are those of the other side, a period further.
            dy = y - points[0][wrapped] - (row - wrapped[0]) * size
            dx = x - points[1][wrapped] - (column - wrapped[1]) * size
            distance = dy * dy + dx * dx
            nearer = distance < best
            best[nearer] = distance[nearer]
            owner[nearer] = (wrapped[0] * across + wrapped[1])[nearer]
            offset[0][nearer], offset[1][nearer] = dy[nearer], dx[nearer]
    count = across * across
    # Shores and woods are winding, fields are straight: theirs are the true coordinates.
    offset[0] += grid[0] - y
    offset[1] += grid[1] - x
    angle = rng.uniform(0, np.pi, count)[owner]
    width, length = rng.uniform(6, 16, count)[owner], rng.uniform(14, 34, count)[owner]
    u = offset[1] * np.cos(angle) + offset[0] * np.sin(angle) + 500
    v = offset[0] * np.cos(angle) - offset[1] * np.sin(angle) + 500
    lane = np.floor(u / width)
    v += lane * 0.37 * length  # bricks: fields of neighbouring lanes do not end together
    brick = np.floor(v / length)
    mixing = lane.astype(np.int64) * 73 + brick.astype(np.int64) * 151 + owner * 37
    hedge = (u / width - lane) * width < 1
    numbers = rng.permutation(count)[owner] % 256
    return (
        _periodic(numbers.astype(np.uint8)),
        _periodic((mixing % 251).astype(np.uint8)),
        _periodic(hedge),
    )
