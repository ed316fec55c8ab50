"""What users write stands for logs: files, directories, globs, standard input; each file once."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from logpool.errors import InputError
from logpool.read.damage import Damages
from logpool.read.sources import sources_of


def names(*logs: str | Path) -> list[str]:
    return [source.path for source in sources_of(logs)]


def left_out(*logs: str | Path) -> dict[str, str]:
    damages = Damages()
    sources_of(logs, damages)
    return {damage.path: damage.what for damage in damages.all}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory with logs in it, the current one."""
    monkeypatch.chdir(tmp_path)
    for name in ("b.log", "a.log", "deep/er/c.log.gz", "deep/[d].log", ".hidden", "notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "empty/within").mkdir(parents=True)
    return iter([tmp_path])


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("b.log", ["b.log"]),
        ("./b.log", ["./b.log"]),
        ("-", ["-"]),
        (".", [".hidden", "a.log", "b.log", "deep/[d].log", "deep/er/c.log.gz", "notes.txt"]),
        ("deep", ["deep/[d].log", "deep/er/c.log.gz"]),
        ("*.log", ["a.log", "b.log"]),
        ("?.log", ["a.log", "b.log"]),
        ("[bc].log", ["b.log"]),
        ("**/*.log*", ["a.log", "b.log", "deep/[d].log", "deep/er/c.log.gz"]),
        ("deep/*", ["deep/[d].log"]),
        # a name that is there is no pattern
        ("deep/[d].log", ["deep/[d].log"]),
    ],
)
def test_names(name: str, expected: list[str]) -> None:
    assert expected == names(name)


@pytest.mark.usefixtures("folder")
def test_names_keep_their_order_and_count_once() -> None:
    assert names("b.log", "-", "*.log", Path("a.log"), "-") == ["b.log", "-", "a.log"]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("logs", "message"),
    [
        ([], "no log was named"),
        (["missing.log"], "no such file: missing.log"),
        (["a.log", "missing.log"], "no such file: missing.log"),
        ([""], "no such file: "),
        (["a.log/b"], "no such file: a.log/b"),
        (["nul\0.log"], "no such file: nul\0.log"),
        (["*.lgo"], "no file matches *.lgo"),
        (["emp*"], "no file matches emp*"),
        (["empty"], "no file in the directory empty"),
    ],
)
def test_name_that_stands_for_nothing(logs: list[str], message: str) -> None:
    with pytest.raises(InputError) as caught:
        sources_of(logs)
    assert message == caught.value.message


@pytest.mark.usefixtures("folder")
def test_a_file_counts_once_however_it_is_named(folder: Iterator[Path]) -> None:
    here = next(folder)
    (here / "current.log").symlink_to("b.log")
    (here / "also.log").hardlink_to("a.log")
    assert names("b.log", "./b.log", here / "b.log", "current.log", "a.log", "also.log") == ["b.log", "a.log"]


def test_symbolic_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/log").touch()
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/link").symlink_to("../elsewhere/log")
    assert names(tmp_path / "logs") == [f"{tmp_path}/logs/link"]
    assert names(tmp_path / "logs/link") == [f"{tmp_path}/logs/link"]


def test_a_circle_of_directories_ends(tmp_path: Path) -> None:
    (tmp_path / "log").touch()
    (tmp_path / "again").symlink_to(".")
    (tmp_path / "itself").symlink_to("itself")
    assert names(tmp_path) == [f"{tmp_path}/log"]


def test_what_is_no_file_is_left_out_of_directories_and_globs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("logs").mkdir()
    Path("logs/a.log").touch()
    Path("logs/astray.log").symlink_to("nowhere")
    os.mkfifo("logs/pipe.log")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("logs/socket.log")
        expected = {
            "logs/astray.log": "no such file or directory",
            "logs/pipe.log": "is a pipe",
            "logs/socket.log": "is a socket",
        }
        assert expected == left_out("logs")
        assert expected == left_out("logs/*.log")
    assert names("logs") == ["logs/a.log"]


def test_names_that_cannot_be_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name = os.fsdecode(b"\xff\n.log")
    Path(name).touch()
    assert names(name) == ["\ufffd\ufffd.log"]
    assert names(".") == ["\ufffd\ufffd.log"]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("astray", "no such file or directory"),
        ("loop", "too many levels of symbolic links"),
        ("file/log", None),
        ("/dev/null", "is a device"),
    ],
)
def test_a_name_alone_that_cannot_be_read(
    name: str, why: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    Path("astray").symlink_to("nowhere")
    Path("loop").symlink_to("loop")
    with pytest.raises(InputError) as caught:
        sources_of([name])
    assert (f"cannot read {name}: {why}" if why else f"no such file: {name}") == caught.value.message
