from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from stacbuild import dataset
from stacbuild.config import CatalogConfig, DatasetConfig, PublishConfig, load_config
from stacbuild.engine.texts import Texts
from stacbuild.errors import UsageError
from stacbuild.init import write_configuration

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "catalog.toml"


def test_written_file_reads_back_as_the_defaults(file: Path) -> None:
    write_configuration(file, [dataset.load("bigearthnet")], chosen=False)
    assert load_config(file) == CatalogConfig(file=file)


def test_chosen_dataset_has_an_active_section(file: Path) -> None:
    write_configuration(file, [dataset.load("bigearthnet")], chosen=True)
    assert load_config(file) == CatalogConfig(datasets={"bigearthnet": DatasetConfig()}, file=file)


def test_every_setting_taken_out_of_its_comment_is_understood(file: Path) -> None:
    ben = dataset.load("bigearthnet")
    write_configuration(file, [ben], chosen=False)
    active = [
        line[1:] if line.startswith("#") and not line.startswith("# ") else line
        for line in file.read_text().splitlines()
    ]
    file.write_text("\n".join(active))
    config = load_config(file)
    assert list(config.datasets["bigearthnet"].inputs) == [spec.name for spec in ben.inputs]
    assert config.publish == PublishConfig(url="s3://bucket/prefix")
    assert replace(config.texts, contact=None, public_url=None) == Texts()


def test_help_of_every_input_is_there_in_short_lines(file: Path) -> None:
    ben = dataset.load("bigearthnet")
    write_configuration(file, [ben], chosen=False)
    text = file.read_text()
    unwrapped = " ".join(text.replace("\n# ", " ").split())
    for spec in ben.inputs:
        assert " ".join(spec.help.split()) in unwrapped
    assert max(map(len, text.splitlines())) <= 100


def test_existing_file_is_left_as_it_is(file: Path) -> None:
    file.write_text("mine")
    with pytest.raises(UsageError, match="exists already"):
        write_configuration(file, [], chosen=False)
    assert file.read_text() == "mine"


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written") as caught:
        write_configuration(tmp_path / "absent" / "catalog.toml", [], chosen=False)
    assert "absent" in (caught.value.file or "")
