from __future__ import annotations

import pickle
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacbuild.config import (
    MAX_BYTES,
    CatalogConfig,
    DatasetConfig,
    PublishConfig,
    load_config,
    parse_config,
    read_known_rejects,
)
from stacbuild.engine.texts import Texts
from stacbuild.errors import UsageError
from stacbuild.init import quote

FILE = Path("somewhere/catalog.toml")

WHOLE = """
[catalog]
id = "training-sets"
title = "Training sets of the lab"
description = '''
Two lines
of *Markdown*.
'''
contact = "Jane Doe <jane@example.org>"

[publish]
url = "s3://bucket/some/prefix/"
public_url = "https://data.example.org/some/prefix/"
cors_origins = ["https://browser.example.org", "http://localhost:8080"]

[datasets.bigearthnet]
inputs = { patches = "raw/BigEarthNet-v1.0", train = "/lists/train.csv", val = "../val.csv.gz" }
known_rejects = "rejects.csv"
"""


def parse(text: str) -> CatalogConfig:
    return parse_config(text.encode(), FILE)


def refusal(text: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert caught.value.exit_code == 2
    assert caught.value.file == str(FILE)
    return caught.value


def test_reads_every_key() -> None:
    assert parse(WHOLE) == CatalogConfig(
        texts=Texts(
            id="training-sets",
            title="Training sets of the lab",
            description="Two lines\nof *Markdown*.\n",
            contact="Jane Doe <jane@example.org>",
            public_url="https://data.example.org/some/prefix",
        ),
        publish=PublishConfig(
            url="s3://bucket/some/prefix",
            cors_origins=("https://browser.example.org", "http://localhost:8080"),
        ),
        datasets={
            "bigearthnet": DatasetConfig(
                inputs={
                    "patches": Path("somewhere/raw/BigEarthNet-v1.0"),
                    "train": Path("/lists/train.csv"),
                    "val": Path("somewhere/../val.csv.gz"),
                },
                known_rejects=Path("somewhere/rejects.csv"),
            )
        },
        file=FILE,
    )


def test_nothing_said_is_the_defaults() -> None:
    assert parse("") == CatalogConfig(file=FILE)


def test_reaches_worker_processes_whole() -> None:
    config = parse(WHOLE)
    assert pickle.loads(pickle.dumps(config)) == config  # noqa: S301 - our own bytes


def test_home_is_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/jane")
    config = parse('[datasets.bigearthnet]\ninputs = { patches = "~/raw" }')
    assert config.datasets["bigearthnet"].inputs["patches"] == Path("/home/jane/raw")


@pytest.mark.parametrize(
    ("text", "key", "near"),
    [
        ("[catalogue]", "catalogue", "'catalog'"),
        ('[catalog]\ntitel = "x"', "catalog.titel", "'catalog.title'"),
        ('[publish]\npublic-url = "x"', "publish.public-url", "'publish.public_url'"),
        ("[datasets.bigearthnt]", "datasets.bigearthnt", "'bigearthnet'"),
        (
            '[datasets.bigearthnet]\nknown_reject = "x"',
            "datasets.bigearthnet.known_reject",
            "'datasets.bigearthnet.known_rejects'",
        ),
        (
            '[datasets.bigearthnet]\ninputs = { trian = "x" }',
            "datasets.bigearthnet.inputs.trian",
            "'datasets.bigearthnet.inputs.train'",
        ),
    ],
)
def test_unknown_key_names_the_nearest(text: str, key: str, near: str) -> None:
    error = refusal(text)
    assert repr(key) in error.reason
    assert error.mend == f"Did you mean {near}?"


def test_key_like_no_other_is_told_all() -> None:
    assert refusal("zzz = 1").mend == "Known: catalog, publish, datasets"


@pytest.mark.parametrize(
    ("text", "key", "expected"),
    [
        ("catalog = 3", "catalog", "a table"),
        ("[catalog]\nid = 3", "catalog.id", "text"),
        ('[catalog]\nid = "a b"', "catalog.id", "letters, digits"),
        ('[catalog]\nid = "../x"', "catalog.id", "letters, digits"),
        (f'[catalog]\nid = "{"x" * 129}"', "catalog.id", "letters, digits"),
        ('[catalog]\ntitle = ""', "catalog.title", "text"),
        ('[catalog]\ntitle = "a\\nb"', "catalog.title", "one line"),
        ("[catalog]\ncontact = [1]", "catalog.contact", "text"),
        ('[catalog]\ndescription = "a\\u0000b"', "catalog.description", "text"),
        ('[publish]\ncors_origins = "*"', "publish.cors_origins", "an array"),
        ("[publish]\ncors_origins = [1]", "publish.cors_origins", "an array"),
        ('[publish]\ncors_origins = ["https://x.org/path"]', "publish.cors_origins", "origins"),
        ('[publish]\nurl = "ftp://x/y"', "publish.url", "s3://"),
        ('[publish]\nurl = "s3://"', "publish.url", "s3://"),
        ('[publish]\nurl = "s3://key:secret@bucket/x"', "publish.url", "without secrets"),
        ('[publish]\nurl = "az://c/x?sig=abc"', "publish.url", "without secrets"),
        ("[datasets]\nbigearthnet = 1", "datasets.bigearthnet", "a table"),
        ("[datasets.bigearthnet]\ninputs = 1", "datasets.bigearthnet.inputs", "a table"),
        (
            "[datasets.bigearthnet]\ninputs = { train = 1979-05-27 }",
            "datasets.bigearthnet.inputs.train",
            "text",
        ),
        (
            "[datasets.bigearthnet]\nknown_rejects = true",
            "datasets.bigearthnet.known_rejects",
            "text",
        ),
    ],
)
def test_wrong_value_names_what_is_expected(text: str, key: str, expected: str) -> None:
    reason = refusal(text).reason
    assert reason.startswith(repr(key))
    assert expected in reason


@pytest.mark.parametrize(
    "address",
    [
        "data.example.org",
        "s3://bucket",
        "https://",
        "https:///path",
        "https://user:secret@example.org/x",
        "https://example.org/x?y=1",
        "https://example.org/x#y",
        "https://example.org//x",
        "https://example.org/a/../b",
        "https://example.org:99999/",
        "https://example .org/",
        "https://[::1/x",
    ],
)
def test_public_url_is_a_plain_web_address(address: str) -> None:
    assert "'publish.public_url'" in refusal(f'[publish]\npublic_url = "{address}"').reason


@pytest.mark.parametrize(
    ("given_url", "kept"),
    [
        ("https://example.org", "https://example.org"),
        ("https://example.org/", "https://example.org"),
        ("http://127.0.0.1:9000/bucket/", "http://127.0.0.1:9000/bucket"),
        ("http://[::1]:9000/bucket", "http://[::1]:9000/bucket"),
        ("https://example.org/a%20b", "https://example.org/a%20b"),
    ],
)
def test_public_url_loses_its_last_slash(given_url: str, kept: str) -> None:
    assert parse(f'[publish]\npublic_url = "{given_url}"').texts.public_url == kept


def test_folder_to_publish_to_is_relative_to_the_file() -> None:
    assert parse('[publish]\nurl = "out"').publish.url == str(Path("somewhere/out"))


def test_address_as_input_is_refused_with_what_to_do() -> None:
    error = refusal('[datasets.bigearthnet]\ninputs = { patches = "https://example.org/x" }')
    assert "'datasets.bigearthnet.inputs.patches'" in error.reason
    assert "Download" in (error.mend or "")


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfe",
        b"[catalog",
        b"x = 1\nx = 2",
        b"x = 2021-02-31",
        b"x = " + b"9" * 5000,
        b"x = " + b"[" * 100_000,
    ],
    ids=["not-utf8", "torn", "twice", "no-such-day", "huge-integer", "deep"],
)
def test_what_is_not_toml_is_refused(data: bytes) -> None:
    with pytest.raises(UsageError, match="not "):
        parse_config(data, FILE)


def test_missing_file_says_how_to_write_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="stacbuild init"):
        load_config(tmp_path / "catalog.toml")


def test_folder_is_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load_config(tmp_path)


def test_some_large_file_is_no_configuration(tmp_path: Path) -> None:
    file = tmp_path / "catalog.toml"
    file.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(UsageError, match="not a configuration"):
        load_config(file)


# -- properties --------------------------------------------------------------------------------

SCALARS = (
    st.booleans()
    | st.integers()
    | st.text(max_size=20)
    | st.sampled_from(
        ["*", "https://example.org", "s3://b/x", "~nobody-here/x", "\0", "//", "http://[", "é"]
    )
)
KEYS = st.sampled_from(
    [
        "catalog",
        "publish",
        "datasets",
        "id",
        "title",
        "description",
        "contact",
        "url",
        "public_url",
        "cors_origins",
        "bigearthnet",
        "inputs",
        "known_rejects",
        "patches",
        "train",
    ]
) | st.text(string.ascii_letters + "-_é \n\"'", max_size=8)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def as_toml(value: Any) -> str:  # noqa: ANN401 - any TOML value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, list):
        return f"[{', '.join(as_toml(one) for one in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{quote(k)} = {as_toml(v)}' for k, v in value.items())}}}"
    return str(value)


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_any_toml_is_read_or_refused(document: dict[str, Any]) -> None:
    text = "".join(f"{quote(key)} = {as_toml(value)}\n" for key, value in document.items())
    try:
        config = parse(text)
    except UsageError as error:
        assert error.file == str(FILE)  # noqa: PT017 - either way is fine, this way with the file
        assert "\n" not in error.reason  # noqa: PT017 - and in one line
    else:
        assert set(document) <= {"catalog", "publish", "datasets"}
        assert config.texts.title.strip()


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        parse_config(data, FILE)
    except UsageError as error:
        assert error.file == str(FILE)  # noqa: PT017 - as above


@given(st.lists(st.sampled_from("https://example.org:80/a/..?#@ \\[]"), max_size=12).map("".join))
def test_public_url_that_is_taken_joins_with_a_slash(tail: str) -> None:
    try:
        url = parse(f"[publish]\npublic_url = {quote('https://example.org' + tail)}")
    except UsageError:
        return
    assert url.texts.public_url is not None
    assert not url.texts.public_url.endswith("/")
    assert "//" not in url.texts.public_url.removeprefix("https://")


# -- known rejects -------------------------------------------------------------------------------


def test_known_rejects_one_a_line(tmp_path: Path) -> None:
    file = tmp_path / "rejects.txt"
    file.write_bytes(b"\xef\xbb\xbf# broken in the release\r\nA_1 # torn\r\n\r\n  A_2\r\nA_1\r\n")
    assert read_known_rejects(file) == {"A_1", "A_2"}


def test_known_rejects_from_the_report_of_a_run(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text('{"rejects": [{"id": "A_1", "kind": "missing-band"}, {"id": "A_2"}]}')
    assert read_known_rejects(file) == {"A_1", "A_2"}


@pytest.mark.parametrize("text", ["{", '{"a": 1}', '{"rejects": 3}', '{"rejects": [3]}'])
def test_some_other_json_is_no_report(tmp_path: Path, text: str) -> None:
    file = tmp_path / "report.json"
    file.write_text(text)
    with pytest.raises(UsageError, match="not the report of a run"):
        read_known_rejects(file)


def test_no_known_rejects(tmp_path: Path) -> None:
    file = tmp_path / "rejects.txt"
    file.write_text("# none so far\n")
    assert read_known_rejects(file) == frozenset()


@given(st.binary(max_size=80) | st.sampled_from([b"{", b'{"rejects": [{}]}']))
def test_any_list_of_rejects_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    file = tmp_path_factory.getbasetemp() / "any-rejects"
    file.write_bytes(data)
    try:
        ids = read_known_rejects(file)
    except UsageError as error:
        assert error.file == str(file)  # noqa: PT017 - as above
    else:
        assert all(sample == sample.strip() and sample for sample in ids)


def test_missing_list_of_rejects(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="list of known rejects"):
        read_known_rejects(tmp_path / "absent")
