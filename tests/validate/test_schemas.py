from __future__ import annotations

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema_rs import Draft7Validator

from stacbuild.stac import extensions
from stacbuild.stac.encode import loads
from stacbuild.validate import schemas
from stacbuild.validate.schemas import SchemaStore, not_starting_with

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = extensions.FILE.removeprefix(extensions.BASE)


@pytest.fixture
def official(shared: Path) -> Path:
    return shared / "schemas"


@pytest.mark.parametrize("url", sorted(extensions.SHA256))
def test_pins_are_those_of_the_official_files(official: Path, url: str) -> None:
    data = (official / url.removeprefix(extensions.BASE)).read_bytes()

    assert hashlib.sha256(data).hexdigest() == extensions.SHA256[url]
    # What the file calls itself is the address that it is pinned for.
    assert loads(data)["$id"].rstrip("#") == url


@pytest.mark.parametrize("url", sorted(extensions.SHA256))
def test_every_pinned_schema_compiles_or_says_why_not(official: Path, url: str) -> None:
    store = SchemaStore(folder=official)
    compiled = store.compiled("Feature", (url,))

    assert (url in compiled.unchecked) == (url in store.unchecked)
    if url in (extensions.ALTERNATE_ASSETS, extensions.STORAGE):
        # They refer to schemas that neither pystac nor this package has.
        assert "refers to" in store.unchecked[url]
    else:
        assert store.unchecked == {}


def test_without_any_source_the_official_schemas_are_not_checked_and_ours_are(
    item: dict[str, Any],
) -> None:
    store = SchemaStore()
    compiled = store.compiled("Feature", tuple(item["stac_extensions"]))

    assert compiled.unchecked == set(item["stac_extensions"])
    assert all("not at hand" in reason for reason in store.unchecked.values())
    assert compiled.is_valid(item)
    del item["assets"]["image"]["file:size"]
    assert not compiled.is_valid(item)


def test_a_schema_without_a_pin_is_not_checked_even_where_a_file_of_its_name_lies(
    tmp_path: Path,
) -> None:
    file = tmp_path / extensions.CLASSIFICATION.removeprefix(extensions.BASE)
    file.parent.mkdir(parents=True)
    file.write_bytes(b"true")
    store = SchemaStore(folder=tmp_path)

    assert store.compiled("Feature", (extensions.CLASSIFICATION,)).unchecked == {
        extensions.CLASSIFICATION
    }
    assert "no digest" in store.unchecked[extensions.CLASSIFICATION]


def test_a_file_that_differs_from_its_pin_is_not_used(official: Path, tmp_path: Path) -> None:
    (tmp_path / NAME).parent.mkdir(parents=True)
    (tmp_path / NAME).write_bytes((official / NAME).read_bytes() + b"\n")
    store = SchemaStore(folder=tmp_path)

    assert store.extension(extensions.FILE) is None
    assert "differs from its pinned digest" in store.unchecked[extensions.FILE]


def test_the_cache_is_used_where_the_folder_has_nothing(official: Path, tmp_path: Path) -> None:
    (tmp_path / NAME).parent.mkdir(parents=True)
    (tmp_path / NAME).write_bytes((official / NAME).read_bytes())
    store = SchemaStore(folder=tmp_path / "nothing", cache_folder=tmp_path)

    assert store.extension(extensions.FILE) is not None
    assert store.unchecked == {}


def test_the_environment_is_heeded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STACBUILD_SCHEMAS", str(tmp_path / "a"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "b"))
    monkeypatch.setenv("STACBUILD_OFFLINE", "1")
    store = SchemaStore.from_environment()

    assert store.folder == tmp_path / "a"
    assert store.cache_folder == tmp_path / "b/stacbuild/schemas"
    assert store.offline
    monkeypatch.setenv("STACBUILD_OFFLINE", "0")
    monkeypatch.delenv("STACBUILD_SCHEMAS")
    assert not SchemaStore.from_environment().offline
    assert SchemaStore.from_environment().folder is None


class _Server(HTTPServer):
    """A real server, on this machine, in the place of the extensions' site."""

    answers: dict[str, tuple[int, bytes]]
    asked: list[str]


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        status, data = self.server.answers.get(self.path, (404, b""))
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Server]:
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.answers, server.asked = {}, []
        base = f"http://127.0.0.1:{server.server_port}/"
        monkeypatch.setattr(schemas, "BASE", base)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _pinned(monkeypatch: pytest.MonkeyPatch, data: bytes) -> str:
    url = f"{schemas.BASE}file/v2.1.0/schema.json"
    monkeypatch.setitem(extensions.SHA256, url, hashlib.sha256(data).hexdigest())
    return url


def test_a_schema_is_fetched_once_checked_and_kept(
    site: _Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url = _pinned(monkeypatch, b'{"type":"object"}')
    site.answers["/file/v2.1.0/schema.json"] = (200, b'{"type":"object"}')

    for _ in range(2):
        store = SchemaStore(cache_folder=tmp_path, offline=False)
        assert store.extension(url) == {"type": "object"}
    assert site.asked == ["/file/v2.1.0/schema.json"]
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["schema.json"]


@pytest.mark.parametrize(
    ("status", "data", "reason"),
    [
        (200, b"{}", "differs"),
        (200, b" " * (2 << 20), "too large"),
        (404, b"", "404"),
        (302, b"", "302"),
    ],
)
def test_what_is_fetched_wrong_is_neither_used_nor_kept(
    site: _Server,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    status: int,
    data: bytes,
    reason: str,
) -> None:
    url = _pinned(monkeypatch, b'{"type":"object"}')
    site.answers["/file/v2.1.0/schema.json"] = (status, data)
    store = SchemaStore(cache_folder=tmp_path, offline=False)

    assert store.extension(url) is None
    assert reason in store.unchecked[url]
    assert list(tmp_path.rglob("*.json")) == []


def test_no_network_is_a_reason_and_not_a_crash(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(schemas, "BASE", "http://127.0.0.1:9/")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    url = _pinned(monkeypatch, b"{}")
    store = SchemaStore(cache_folder=tmp_path, offline=False)

    assert store.extension(url) is None
    assert "could not be fetched" in store.unchecked[url]


def test_offline_nothing_is_asked_for(
    site: _Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url = _pinned(monkeypatch, b"{}")
    store = SchemaStore(cache_folder=tmp_path, offline=True)

    assert store.extension(url) is None
    assert site.asked == []


PREFIXES = ("ml-aoi:", "proj:", "sat:", "eo:", "a:")


@given(
    st.sampled_from(PREFIXES),
    st.one_of(
        st.text(),
        st.text("satproj:eo-mli\n\\]^$", max_size=9),
        st.builds("{}{}".format, st.sampled_from(PREFIXES), st.text(max_size=3)),
    ),
)
def test_the_pattern_without_look_ahead_means_the_same(prefix: str, text: str) -> None:
    linear = Draft7Validator({"pattern": not_starting_with(prefix)})
    official = Draft7Validator({"pattern": f"^(?!{prefix})"})

    assert linear.is_valid(text) == official.is_valid(text) == (not text.startswith(prefix))


def test_fast_and_exact_form_judge_alike(official: Path, item: dict[str, Any]) -> None:
    store = SchemaStore(folder=official)
    used = tuple(item["stac_extensions"])
    compiled = store.compiled("Feature", used)
    assert compiled.is_valid(item)
    assert compiled.exact.is_valid(item)

    for spoilt in ("proj:cod", "eo:cloud", "proj:", "eo:"):
        for place in (item["properties"], item["assets"]["image"]):
            place[spoilt] = 1
            assert not compiled.is_valid(item)
            assert not compiled.exact.is_valid(item)
            del place[spoilt]
