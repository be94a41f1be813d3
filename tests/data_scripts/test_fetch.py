"""Fetching against a local server that answers well, badly, in part, or not at all."""

import errno
import gzip
import hashlib
import http.server
import io
import os
import re
import threading
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("pooch", reason="pooch is in the extra `data`")

from data_scripts import catalogue, download, fetch
from data_scripts.catalogue import CATALOGUE, Address, Dataset, RemoteFile
from data_scripts.download import FetchError, fetch_file, is_complete

CONTENT = os.urandom(200_000)
PACKED = gzip.compress(CONTENT, mtime=0)
NAME = "numbers-ubyte.gz"
FILE = RemoteFile(NAME, len(PACKED), hashlib.sha256(PACKED).hexdigest(), hashlib.sha256(CONTENT).hexdigest())
STREAM = io.BytesIO()
with zipfile.ZipFile(STREAM, "w") as packed:
    packed.writestr("top/a.txt", "one")
    packed.writestr("top/b.txt", "two")
ZIPPED = STREAM.getvalue()
PAGE = b"<!DOCTYPE html><html><body>Sign in</body></html>"


class Handler(http.server.BaseHTTPRequestHandler):
    """Behaves as the first part of the path says: good, cut, cutonce, wrong, html, text, zip, 404."""

    def do_GET(self):
        way = self.path.split("/")[1]
        start = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
        self.server.asked.append((way, start[1] if start else None))
        if way == "404":
            self.send_error(404)
            return
        body = {"zip": ZIPPED, "html": PAGE, "text": b"quota exceeded", "wrong": PACKED[:-1] + b"\1"}.get(way, PACKED)
        begin = int(start[1]) if start and way not in ("html", "text", "deaf") else 0
        if way == "unsatisfied" and start:
            self.send_error(416)
            return
        self.send_response(206 if begin else 200)
        self.send_header("Content-Length", str(len(body) - begin))
        self.end_headers()
        stop = len(body)
        if way == "cut" or (way == "cutonce" and not begin):
            stop = begin + (len(body) - begin) // 2
        self.wfile.write(body[begin:stop])
        self.close_connection = True

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.asked = []
    thread = threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def addresses(server, *ways):
    return tuple(Address(f"http://127.0.0.1:{server.server_address[1]}/{way}/") for way in ways)


def test_file_arrives_whole_and_is_not_fetched_twice(server, tmp_path):
    folder = tmp_path / "new" / "folder"
    assert fetch_file(FILE, addresses(server, "good"), folder) is True
    assert (folder / NAME).read_bytes() == PACKED
    assert os.listdir(folder) == [NAME]
    assert fetch_file(FILE, addresses(server, "good"), folder) is False
    assert len(server.asked) == 1


def test_cut_transfer_goes_on_where_it_was_cut(server, tmp_path):
    assert fetch_file(FILE, addresses(server, "cutonce"), tmp_path)
    (_, first), (_, second) = server.asked
    assert first is None
    assert 0 < int(second) <= len(PACKED) // 2
    assert (tmp_path / NAME).read_bytes() == PACKED


def test_part_is_kept_after_many_cuts_and_used_by_the_next_call(server, tmp_path):
    with pytest.raises(FetchError, match="the connection was cut 3 times"):
        fetch_file(FILE, addresses(server, "cut"), tmp_path)
    assert os.listdir(tmp_path) == [f"{NAME}.part"]
    size = (tmp_path / f"{NAME}.part").stat().st_size
    assert 0 < size < len(PACKED)
    assert fetch_file(FILE, addresses(server, "good"), tmp_path)
    assert server.asked[-1] == ("good", str(size))
    assert os.listdir(tmp_path) == [NAME]


def test_next_address_goes_on_after_a_cut(server, tmp_path):
    assert fetch_file(FILE, addresses(server, "cut", "good"), tmp_path)
    assert server.asked[-1][1] is not None
    assert (tmp_path / NAME).read_bytes() == PACKED


def test_part_of_something_else_is_thrown_away(server, tmp_path):
    (tmp_path / f"{NAME}.part").write_bytes(b"\x1f\x8b" + os.urandom(1000))
    assert fetch_file(FILE, addresses(server, "good"), tmp_path)
    assert [start for _, start in server.asked] == ["1002", None]
    (tmp_path / NAME).unlink()
    (tmp_path / f"{NAME}.part").write_bytes(b"x" * (len(PACKED) + 5))
    assert fetch_file(FILE, addresses(server, "good"), tmp_path)
    assert (tmp_path / NAME).read_bytes() == PACKED


def test_server_that_cannot_resume_is_asked_for_the_whole(server, tmp_path):
    (tmp_path / f"{NAME}.part").write_bytes(PACKED[:100])
    assert fetch_file(FILE, addresses(server, "deaf"), tmp_path)
    (tmp_path / NAME).unlink()
    (tmp_path / f"{NAME}.part").write_bytes(PACKED[:100])
    assert fetch_file(FILE, addresses(server, "unsatisfied", "good"), tmp_path)


@pytest.mark.parametrize(
    ("way", "message"),
    [
        ("wrong", "wrong checksum"),
        ("html", "a web page instead of the file"),
        ("text", "something else instead of the file"),
        ("404", "the server answered 404"),
    ],
)
def test_bad_answer_is_named_and_the_next_address_tried(server, tmp_path, way, message):
    said = []
    assert fetch_file(FILE, addresses(server, way, "good"), tmp_path, say=said.append)
    assert message in said[0]
    assert os.listdir(tmp_path) == [NAME]
    (tmp_path / NAME).unlink()
    with pytest.raises(FetchError, match=message):
        fetch_file(FILE, addresses(server, way), tmp_path)
    assert os.listdir(tmp_path) == []


def test_unreachable_address_is_named(tmp_path):
    with pytest.raises(FetchError, match="no connection"):
        fetch_file(FILE, (Address("http://127.0.0.1:9/x/"),), tmp_path)
    assert os.listdir(tmp_path) == []


def test_damaged_file_on_disk_is_replaced_only_by_a_right_one(server, tmp_path):
    (tmp_path / NAME).write_bytes(b"old and damaged")
    with pytest.raises(FetchError):
        fetch_file(FILE, addresses(server, "wrong"), tmp_path)
    assert (tmp_path / NAME).read_bytes() == b"old and damaged"
    fetch_file(FILE, addresses(server, "good"), tmp_path)
    assert (tmp_path / NAME).read_bytes() == PACKED


class FullDisk:
    """A file on a disk that is full after some bytes."""

    def __init__(self, stream):
        self.stream = stream

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.stream.close()

    def write(self, block):
        self.stream.write(block[:10])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_disk_that_fills_leaves_nothing_behind(server, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "open_part", lambda path, mode: FullDisk(path.open(mode)))
    with pytest.raises(FetchError, match=r"is full: numbers-ubyte.gz needs 0.2 MB; make room"):
        fetch_file(FILE, addresses(server, "good"), tmp_path)
    assert os.listdir(tmp_path) == []


def test_disk_that_is_full_is_seen_before_the_transfer(server, tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(download.shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(FetchError, match="is full"):
        fetch_file(FILE, addresses(server, "good"), tmp_path)
    assert server.asked == []


def test_folder_that_cannot_be_made_is_named(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FetchError, match="cannot be written"):
        fetch_file(FILE, addresses(server, "good"), tmp_path / "file" / "below")


def test_data_compressed_anew_is_recognised(tmp_path):
    path = tmp_path / NAME
    path.write_bytes(gzip.compress(CONTENT, compresslevel=1, mtime=7))
    assert is_complete(path, FILE)
    path.write_bytes(gzip.compress(CONTENT[:-1]))
    assert not is_complete(path, FILE)
    path.write_bytes(PACKED[:1000])
    assert not is_complete(path, FILE)


@pytest.mark.parametrize("size", [0, len(PACKED)])
def test_file_without_a_checksum_arrives_whole(server, tmp_path, size):
    file = RemoteFile(NAME, size)
    assert fetch_file(file, addresses(server, "good"), tmp_path) is True
    assert (tmp_path / NAME).read_bytes() == PACKED
    assert fetch_file(file, addresses(server, "good"), tmp_path) is False
    (tmp_path / NAME).write_bytes(PACKED[:99])
    assert is_complete(tmp_path / NAME, file) is (size == 0)  # nothing is known that could tell


@pytest.mark.parametrize("size", [0, len(PACKED)])
@pytest.mark.parametrize("way", ["html", "text", "404", "cut"])
def test_bad_answer_is_named_without_a_checksum_too(server, tmp_path, way, size):
    with pytest.raises(FetchError, match=r"web page|something else|answered 404|cut 3 times"):
        fetch_file(RemoteFile(NAME, size), addresses(server, way), tmp_path)
    assert os.listdir(tmp_path) == ([f"{NAME}.part"] if way == "cut" else [])


def test_cut_transfer_of_unknown_size_goes_on_where_it_was_cut(server, tmp_path):
    assert fetch_file(RemoteFile(NAME), addresses(server, "cutonce"), tmp_path)
    assert (tmp_path / NAME).read_bytes() == PACKED
    assert server.asked[1][1] is not None


def test_file_of_another_size_is_refused(server, tmp_path):
    with pytest.raises(FetchError, match=f"the server sent {len(PACKED):,} bytes, the file has 1,000"):
        fetch_file(RemoteFile(NAME, 1000), addresses(server, "good"), tmp_path)
    assert os.listdir(tmp_path) == []


def test_file_may_have_another_name_on_the_server(server, tmp_path):
    file = RemoteFile("faces.gz", len(PACKED), FILE.sha256, remote_name=NAME)
    assert fetch_file(file, addresses(server, "good"), tmp_path)
    assert os.listdir(tmp_path) == ["faces.gz"]


@pytest.fixture
def small(server, monkeypatch):
    made = Dataset("numbers", "Some numbers", "CC0", (FILE,), addresses(server, "404", "good"))
    monkeypatch.setitem(CATALOGUE, "numbers", made)
    return made


@pytest.mark.usefixtures("small")
def test_command_shows_terms_and_says_how_to_go_on(tmp_path, capsys):
    assert fetch.main(["numbers", "--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    for line in ("licence: CC0", "the server answered 404", "fetched, checksum agrees", f"-p data_root {tmp_path}"):
        assert line in out
    assert fetch.main(["numbers", "--out", str(tmp_path)]) == 0
    assert "is there already" in capsys.readouterr().out


def test_command_fails_in_one_sentence(server, monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(CATALOGUE, "numbers", Dataset("numbers", "N", "CC0", (FILE,), addresses(server, "404")))
    assert fetch.main(["numbers", "--out", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith(f"No address gave {NAME}")
    assert os.listdir(tmp_path) == []


def test_command_unpacks_archives_once_and_says_what_else_there_is(server, monkeypatch, tmp_path, capsys):
    archive = RemoteFile("set.zip", unpack=True)
    made = Dataset("packed", "P", "CC0", (archive,), addresses(server, "zip"), ("Ask them.", "Take it.", "Put it."))
    monkeypatch.setitem(CATALOGUE, "packed", made)
    assert fetch.main(["packed", "--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert f"{len(ZIPPED):,} bytes; no checksum is published" in out
    assert f"unpacked 2 files into {tmp_path / 'set'}" in out
    assert "Ask them.\nTake it.\nPut it.\n" in out
    assert sorted(os.listdir(tmp_path / "set")) == ["a.txt", "b.txt"]
    assert fetch.main(["packed", "--out", str(tmp_path)]) == 0
    assert "is unpacked already" in capsys.readouterr().out
    (tmp_path / "set.zip").unlink()
    assert fetch.main(["packed", "--out", str(tmp_path)]) == 0
    assert "set.zip is unpacked already" in capsys.readouterr().out
    assert len(server.asked) == 1


def test_unknown_name_is_refused_with_the_nearest(capsys):
    assert fetch.main(["minst"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("There is no dataset 'minst': did you mean mnist? There are mnist, digits, ")
    assert all(name in err for name in CATALOGUE)
    assert fetch.main([]) == 2
    assert "Say which dataset: mnist, digits" in capsys.readouterr().err


def test_data_that_is_not_fetched_is_explained_in_three_lines(capsys):
    assert fetch.main(["digits"]) == 0
    assert len(CATALOGUE["digits"].how_to_obtain) == 3
    assert "come with scikit-learn" in capsys.readouterr().out


def test_list_shows_every_set_its_terms_and_when_each_address_was_seen_to_work(capsys):
    assert fetch.main(["--list"]) == 0
    out = capsys.readouterr().out
    assert out.count("last seen to work: ") == sum(len(dataset.addresses) for dataset in CATALOGUE.values())
    for dataset in CATALOGUE.values():
        assert f"{dataset.name}: {dataset.title}\n  licence: {dataset.licence}" in out
        assert all(line in out for line in dataset.how_to_obtain)
    assert "4 files, 11.6 MB, checksums published" in out
    assert "1 file, 0.9 MB, no checksum published" in out
    assert "1 file, size not published, no checksum published" in out


@pytest.mark.parametrize("name", CATALOGUE)
def test_catalogue_is_sound(name):
    dataset = CATALOGUE[name]
    assert name == dataset.name
    assert dataset.title
    assert dataset.licence
    assert dataset.files or dataset.how_to_obtain
    assert len(dataset.how_to_obtain) in (0, 3)
    assert all(len(line) <= 120 and "\n" not in line for line in dataset.how_to_obtain)
    assert bool(dataset.files) == bool(dataset.addresses)
    assert len({file.name for file in dataset.files}) == len(dataset.files)
    for file in dataset.files:
        assert re.fullmatch(r"(?:[0-9a-f]{64})?", file.sha256)
        assert file.size >= 0
        assert Path(file.name).name == file.name
        assert not file.unpack or file.folder_name != file.name
    for address in dataset.addresses:
        assert address.url.startswith("http")
        assert address.url.endswith("/")
        assert address.last_seen == "not checked" or re.fullmatch(r"20\d\d-\d\d-\d\d", address.last_seen)


def test_every_remedy_of_a_reader_names_a_set_of_the_catalogue():
    named = {}
    for path in (Path(fetch.__file__).parents[1] / "course_lib").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for pattern in (r"data_scripts\.fetch (\w+)", r'dataset="(\w+)"', r'how_to_obtain\("(\w+)"'):
            named |= dict.fromkeys(re.findall(pattern, text), path)
    named.pop("NAME", None)
    assert {"mnist", "lsp", "lspet", "mpii", "ordinal", "market1501", "deepfashion", "kitti", "itop"} <= set(named)
    for name, path in named.items():
        assert name in CATALOGUE, path


def test_published_checksums_agree_with_the_real_files():
    root = Path(os.environ.get("COURSE_DATA", "")) / "mnist"
    if not os.environ.get("COURSE_DATA") or not root.is_dir():
        pytest.skip("COURSE_DATA names no folder with mnist/")
    assert all(is_complete(root / file.name, file) for file in catalogue.MNIST.files)
    for file in catalogue.MNIST.files[1:]:  # these three are the original bytes
        assert hashlib.sha256((root / file.name).read_bytes()).hexdigest() == file.sha256
        assert (root / file.name).stat().st_size == file.size
