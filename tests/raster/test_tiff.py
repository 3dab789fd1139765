from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stacbuild.raster import tiff

FIELDS = st.dictionaries(
    st.integers(254, 65535),
    st.sampled_from([(1, "B"), (3, "H"), (4, "I"), (12, "d")]).flatmap(
        lambda kind: st.tuples(st.just(kind), st.lists(st.integers(0, 255), min_size=1, max_size=9))
    ),
    min_size=1,
    max_size=12,
)


@given(FIELDS, st.integers(0, 40).map(lambda half: 8 + 2 * half))
def test_what_is_packed_is_parsed(
    fields: dict[int, tuple[tuple[int, str], list[int]]], at: int
) -> None:
    packed, where = tiff.pack(
        (
            (tag, kind, len(values), struct.pack(f"<{len(values)}{code}", *values))
            for tag, ((kind, code), values) in fields.items()
        ),
        at,
    )
    data = b"II*\0" + struct.pack("<I", at) + bytes(at - 8) + packed
    directory = tiff.parse(data)
    assert len(packed) % 2 == 0
    assert directory.following == 0
    assert list(directory.entries) == sorted(fields)
    for tag, ((_, code), values) in fields.items():
        assert directory.numbers(tag) == tuple(values)
        assert struct.unpack_from(f"<{len(values)}{code}", data, where[tag]) == tuple(values)
        assert directory.end >= where[tag] + struct.calcsize(f"<{len(values)}{code}") or (
            directory.end > where[tag]
        )


@pytest.mark.parametrize(("order", "magic"), [("<", b"II*\0"), (">", b"MM\0*")])
def test_both_byte_orders(order: str, magic: bytes) -> None:
    entry = struct.pack(order + "HHIHH", tiff.IMAGE_WIDTH, tiff.SHORT, 1, 7, 0)
    data = magic + struct.pack(order + "IH", 8, 1) + entry + bytes(4)
    assert tiff.parse(data).integers(tiff.IMAGE_WIDTH) == (7,)


def test_big_tiff() -> None:
    entry = struct.pack("<HHQQ", tiff.IMAGE_WIDTH, 16, 1, 7)
    data = b"II+\0" + struct.pack("<HHQQ", 8, 0, 16, 1) + entry + bytes(8)
    directory = tiff.parse(data)
    assert directory.big
    assert directory.integer(tiff.IMAGE_WIDTH, 0) == 7


def test_the_first_of_two_equal_tags_counts() -> None:
    entries = b"".join(struct.pack("<HHIHH", 256, 3, 1, value, 0) for value in (7, 9))
    data = b"II*\0" + struct.pack("<IH", 8, 2) + entries + bytes(4)
    assert tiff.parse(data).integer(256, 0) == 7


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "not-a-tiff"),
        (b"\x89PNG\r\n\x1a\n", "not-a-tiff"),
        (b"II*\0", "truncated-tiff"),
        (b"II*\0\xff\xff\xff\xff", "truncated-tiff"),
        (b"II*\0\x08\0\0\0\xff\xff" + bytes(40), "truncated-tiff"),
        (
            b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHII", 256, 12, 2**31, 0) + bytes(4),
            "truncated-tiff",
        ),
        (b"II+\0\x08\0\0\0" + b"\xff" * 8, "truncated-tiff"),
    ],
)
def test_defects(data: bytes, kind: str) -> None:
    with pytest.raises(tiff.TiffError) as caught:
        tiff.parse(data)
    assert caught.value.kind == kind


@settings(max_examples=300)
@given(
    st.sampled_from([b"II*\0", b"MM\0*", b"II+\0\x08\0\0\0", b"MM\0+\0\x08\0\0"]),
    st.binary(max_size=200),
)
def test_any_bytes_parse_or_are_refused(magic: bytes, rest: bytes) -> None:
    try:
        directory = tiff.parse(magic + rest)
    except tiff.TiffError:
        return
    for tag in directory.entries:
        assert len(directory.raw(tag)) <= len(directory.data)
        directory.numbers(tag)
        directory.integers(tag)
