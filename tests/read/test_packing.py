"""Compressed files and archives are read as they are: known by their content, from files and through pipes."""

import bz2
import gzip
import io
import lzma
import sys
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from logpool.errors import InputError
from logpool.read.damage import Damages
from logpool.read.files import Spool
from logpool.read.logs import blocks
from logpool.read.sources import sources_of

PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstandard.ZstdCompressor().compress,
}
# figures that do not repeat, so that packed data is long enough to be cut anywhere
TEXT = "".join(f"line {number} ünï {number * number * 7919 % 1_000_003}\n" for number in range(1, 9001))
LINES = TEXT.splitlines()
Logs = dict[str, list[str]]
Noted = list[tuple[str, str, int]]


def read(*paths: str | Path, size: int = 1 << 20) -> tuple[Logs, Noted]:
    """The lines of each log by its path, and the damage."""
    damages = Damages()
    logs: Logs = {}
    for source in sources_of(paths, damages):
        logs[source.path] = [line for block in blocks(source, size, damages) for line in block.lines.texts]
    return logs, [(damage.path, damage.what, damage.line) for damage in damages.all]


def lines_of(path: str | Path, size: int = 1 << 20) -> list[str]:
    logs, noted = read(path, size=size)
    assert noted == []
    return logs[str(path)]


@pytest.fixture
def standard_input(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """Sets what standard input holds: a pipe that gives a byte at a time, and seeks nowhere."""

    class Pipe(io.RawIOBase):
        def __init__(self, data: bytes) -> None:
            self.data = io.BytesIO(data)

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
            return self.data.readinto(memoryview(buffer)[: 1 + len(buffer) // 100])

    def hold(data: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(Pipe(data))))

    return hold


# -- compression -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["log", *PACKINGS])
@pytest.mark.parametrize("packing", PACKINGS)
def test_packing_is_known_by_content(packing: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"app.{suffix}"
    path.write_bytes(PACKINGS[packing](TEXT.encode()))
    assert lines_of(path) == LINES
    assert lines_of(path, 1000) == LINES


@pytest.mark.parametrize("suffix", [*PACKINGS, "tar", "zip", "tar.gz"])
def test_plain_text_with_a_suffix_of_packing(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"app.{suffix}"
    path.write_text(TEXT, "utf-8")
    assert lines_of(path) == LINES


@pytest.mark.parametrize("packing", PACKINGS)
def test_packed_parts_in_a_row(packing: str, tmp_path: Path) -> None:
    pack = PACKINGS[packing]
    parts = pack(b"a\nb") + pack(b"") + pack(b"c\n") + pack(TEXT.encode())
    (tmp_path / "log").write_bytes(parts)
    assert ["a", "bc", *LINES] == lines_of(tmp_path / "log")
    # filled up, as on a tape
    (tmp_path / "log").write_bytes(parts + bytes(100_000))
    assert ["a", "bc", *LINES] == lines_of(tmp_path / "log")


@pytest.mark.parametrize("packing", PACKINGS)
def test_packed_emptiness(packing: str, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(PACKINGS[packing](b""))
    assert lines_of(tmp_path / "log") == []


def test_zstd_with_a_frame_to_skip(tmp_path: Path) -> None:
    skipped = b"\x50\x2a\x4d\x18" + (70_000).to_bytes(4, "little") + bytes(70_000)
    (tmp_path / "log").write_bytes(skipped + PACKINGS["zst"](TEXT.encode()) + skipped)
    assert lines_of(tmp_path / "log") == LINES


@pytest.mark.parametrize("packing", PACKINGS)
def test_what_is_cut_off_is_read_up_to_there(packing: str, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(PACKINGS[packing](TEXT.encode())[:-5])
    logs, noted = read(path)
    found = logs[str(path)]
    assert noted == [(str(path), "compressed data ends too early", max(1, len(found)))]
    assert found[:-1] == LINES[: len(found[:-1])]
    assert len(found) > (0 if packing in {"bz2", "zst"} else 8000)
    assert (logs, noted) == read(path, size=1000)


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("cut", [7, 12])
def test_what_is_cut_off_at_its_beginning_cannot_be_read(packing: str, cut: int, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(PACKINGS[packing](TEXT.encode())[:cut])
    logs, noted = read(path)
    assert logs == {str(path): []}
    assert noted == [(str(path), "compressed data ends too early", 1)]


@pytest.mark.parametrize("packing", PACKINGS)
def test_what_is_corrupt_is_read_up_to_there(packing: str, tmp_path: Path) -> None:
    data = bytearray(PACKINGS[packing](TEXT.encode()))
    middle = len(data) // 2
    data[middle : middle + 600] = bytes(255 - byte for byte in data[middle : middle + 600])
    path = tmp_path / "log"
    path.write_bytes(data)
    logs, noted = read(path)
    assert [(path, what) for path, what, _ in noted if "compressed" in what] == [
        (str(path), "compressed data is corrupt")
    ]
    assert logs[str(path)][:1000] == LINES[:1000] or packing in {"bz2", "zst"}
    assert (logs, noted) == read(path, size=1000)


@pytest.mark.parametrize("packing", PACKINGS)
def test_what_follows_and_is_not_packed_is_told(packing: str, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(PACKINGS[packing](TEXT.encode()) + b"and so on\n")
    logs, noted = read(path)
    assert logs == {str(path): LINES}
    assert noted == [(str(path), "something else follows the compressed data", len(LINES))]


def test_a_bomb_is_defused(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(bz2.compress(b"a\n" + b"x" * 300_000_000))
    (source,) = sources_of([path])
    tracemalloc.start()
    assert sum(block.size for block in blocks(source, 1 << 20)) == 300_000_002
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50_000_000


# -- standard input --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pack", [bytes, *PACKINGS.values()], ids=["plain", *PACKINGS])
def test_standard_input(pack: Callable[[bytes], bytes], standard_input: Callable[[bytes], None]) -> None:
    standard_input(pack(TEXT.encode()))
    assert lines_of("-") == LINES


@pytest.mark.parametrize("kind", ["tar", "tar.gz", "tar.bz2", "tar.xz", "tar.zst", "zip", "zip.gz"])
def test_standard_input_holds_an_archive(kind: str, standard_input: Callable[[bytes], None]) -> None:
    standard_input(archived(kind, {"a.log": b"a\n", "b.log": PACKINGS["xz"](TEXT.encode())}))
    assert read("-") == ({"-:a.log": ["a"], "-:b.log": LINES}, [])


# -- archives --------------------------------------------------------------------------------------------------------


def archived(kind: str, members: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    if kind.startswith("zip"):
        with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, content in members.items():
                packed.writestr(name, content)
    else:
        with tarfile.open(fileobj=data, mode="w") as tar:
            for name, content in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return PACKINGS.get(kind.rpartition(".")[2], bytes)(data.getvalue())


KINDS = ["tar", "tar.gz", "tar.bz2", "tar.xz", "tar.zst", "zip"]


@pytest.mark.parametrize("name", ["logs", "logs.log"])
@pytest.mark.parametrize("kind", KINDS)
def test_each_member_is_a_log(kind: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    long = "a" * 150 + "/b.log"
    path.write_bytes(archived(kind, {"a.log": b"a\n", long: TEXT.encode(), "c.log": b""}))
    for size in (1000, 1 << 20):
        assert read(path, size=size) == ({f"{path}:a.log": ["a"], f"{path}:{long}": LINES, f"{path}:c.log": []}, [])


@pytest.mark.parametrize("kind", KINDS)
def test_members_that_are_no_logs_are_told(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "logs"
    path.write_bytes(archived(kind, {"core": b"\x7fELF" + bytes(5000), "a\n.log": b"a\n"}))
    assert read(path) == (
        {f"{path}:core": [], f"{path}:a\ufffd.log": ["a"]},
        [(f"{path}:core", "is no text file", 1)],
    )


@pytest.mark.parametrize("kind", KINDS)
def test_of_members_with_one_name_the_last_counts(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "logs.tar"
    with tarfile.open(path, "w") as tar:
        for content in (b"old\n", b"new\n"):
            info = tarfile.TarInfo("a.log")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    path.write_bytes(PACKINGS.get(kind.rpartition(".")[2], bytes)(path.read_bytes()))
    assert read(path)[0] == {f"{path}:a.log": ["new"]}


def test_what_is_no_file_in_a_tar_is_no_log(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/a.log").write_text("a\n", "utf-8")
    (tmp_path / "logs/b.log").symlink_to("a.log")
    with tarfile.open(tmp_path / "logs.tar", "w") as tar:
        tar.add(tmp_path / "logs", "logs")
    assert read(tmp_path / "logs.tar") == ({f"{tmp_path}/logs.tar:logs/a.log": ["a"]}, [])


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_methods_of_zip(method: int, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "logs.zip", "w", method) as packed:
        packed.mkdir("folder") if sys.version_info >= (3, 11) else None
        packed.writestr("folder/a.log", TEXT)
    assert read(tmp_path / "logs.zip") == ({f"{tmp_path}/logs.zip:folder/a.log": LINES}, [])


def test_members_of_a_zip_that_cannot_be_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "logs.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("a.log", "a\n")
        packed.writestr("secret.log", "b\n")
        packed.writestr(zipfile.ZipInfo("odd.log"), "c\n", zipfile.ZIP_LZMA)
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 1) + 8] |= 1
    path.write_bytes(data)
    assert read(path) == (
        {f"{path}:a.log": ["a"]},
        [(f"{path}:secret.log", "is encrypted", 1), (f"{path}:odd.log", "is packed in an unknown way (14)", 1)],
    )


def test_a_member_of_a_zip_whose_sum_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "logs.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("a.log", "one\ntwo\n")
    path.write_bytes(path.read_bytes().replace(b"two", b"owt"))
    assert read(path) == ({f"{path}:a.log": ["one", "owt"]}, [(f"{path}:a.log", "archive is corrupt", 2)])


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_an_archive_that_is_cut_is_read_up_to_there(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"logs.{kind}"
    data = archived(kind, {"a.log": TEXT.encode(), "b.log": TEXT.encode()})
    path.write_bytes(data[: len(data) * 3 // 4])
    logs, noted = read(path)
    assert logs[f"{path}:a.log"] == LINES
    found = logs[f"{path}:b.log"]
    assert 1000 < len(found) < len(LINES)
    assert found[:-1] == LINES[: len(found) - 1]
    cut = (f"{path}:b.log", "archive ends too early", len(found))
    assert noted == ([cut] if kind == "tar" else [(str(path), "archive ends too early", 1), cut])


def test_a_zip_without_its_list_whose_members_lengths_follow_them(tmp_path: Path) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError

    data = Pipe()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a.log", "a\n")
        packed.writestr("b.log", TEXT)
    path = tmp_path / "logs.zip"
    path.write_bytes(data.getvalue()[:-30])
    assert read(path) == (
        {f"{path}:a.log": ["a"], f"{path}:b.log": LINES},
        [(str(path), "archive ends too early", 1)],
    )


@pytest.mark.parametrize(
    ("kind", "damaged", "told"),
    [
        ("tar", lambda data: data[:1024], "archive ends too early"),
        ("tar", lambda data: data[:1024] + b"?" * 512 + data[1536:], "archive is corrupt"),
        ("tar.gz", lambda data: data[:-9], "compressed data ends too early"),
    ],
)
def test_an_archive_that_is_damaged_behind_a_member(
    kind: str, damaged: Callable[[bytes], bytes], told: str, tmp_path: Path
) -> None:
    path = tmp_path / "logs"
    path.write_bytes(damaged(archived(kind, {"a.log": b"a\n"})))
    assert read(path) == ({f"{path}:a.log": ["a"]}, [(str(path), told, 1)])


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_an_archive_without_logs(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "logs"
    path.write_bytes(archived(kind, {"a.log": b"a\n"}) if kind == "tar" else archived(kind, {}))
    if kind == "tar":
        with tarfile.open(path, "w") as tar:
            tar.addfile(tarfile.TarInfo("folder/"), None)
            link = tarfile.TarInfo("link")
            link.type = tarfile.SYMTYPE
            tar.addfile(link)
            folder = tarfile.TarInfo("folder")
            folder.type = tarfile.DIRTYPE
            tar.addfile(folder)
        data = path.read_bytes()
        path.write_bytes(data[512:])
    with pytest.raises(InputError) as caught:
        read(path)
    assert f"cannot read {path}: holds no log" == caught.value.message


def test_no_space_is_left_to_unpack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Spool, "take", full)
    path = tmp_path / "logs.tgz"
    path.write_bytes(archived("tar.gz", {"a.log": b"a\n"}))
    with pytest.raises(InputError) as caught:
        read(path)
    assert f"cannot unpack {path}: no space left on device" == caught.value.message
    assert caught.value.hint == "unpack it, and name what was in it"
