"""`tf.gfile`: what each call gives, and the errors that TensorFlow 1.15 raises."""

import os

import pytest

from millstream.base import errors
from millstream.formats import gfile
from millstream.formats.file_object import FastGFile, GFile

TEXT = "line1\nline2\néx\nlast".encode()


@pytest.fixture(params=["local", "memory"])
def root(request, tmp_path):
    """A directory with the files f.txt, a.txt, a/x.txt, a/b/y and an empty directory."""
    base = str(tmp_path) if request.param == "local" else f"memory://{tmp_path.name}"
    gfile.MakeDirs(f"{base}/a/b")
    gfile.MakeDirs(f"{base}/empty")
    for name, content in (("f.txt", TEXT), ("a.txt", b""), ("a/x.txt", b"x"), ("a/b/y", b"y")):
        with GFile(f"{base}/{name}", "wb") as file:
            file.write(content)
    yield base
    if request.param == "memory":
        gfile.DeleteRecursively(base)


def test_what_there_is(root):
    assert gfile.Exists(f"{root}/f.txt")
    assert gfile.exists(f"{root}/a")
    assert not gfile.Exists(f"{root}/nope")
    assert not gfile.Exists("")
    assert gfile.IsDirectory(f"{root}/a")
    assert not gfile.isdir(f"{root}/f.txt")
    assert not gfile.isdir(f"{root}/nope")
    assert sorted(gfile.ListDirectory(root)) == ["a", "a.txt", "empty", "f.txt"]
    assert gfile.listdir(f"{root}/empty") == []
    for bad in ("nope", "f.txt"):
        with pytest.raises(errors.NotFoundError, match="Could not find directory"):
            gfile.ListDirectory(f"{root}/{bad}")


def test_stat(root):
    stat = gfile.Stat(f"{root}/f.txt")
    assert (stat.length, stat.is_directory) == (len(TEXT), False)
    assert stat.mtime_nsec > 10**18
    assert gfile.stat(f"{root}/a").is_directory
    with pytest.raises(errors.NotFoundError):
        gfile.Stat(f"{root}/nope")


def test_glob(root):
    def names(pattern):
        return [path.removeprefix(f"{root}/") for path in gfile.Glob(f"{root}/{pattern}")]

    assert names("*.txt") == ["a.txt", "f.txt"]
    assert names("[af].txt") == names("?.txt") == ["a.txt", "f.txt"]
    assert names("[!a].txt") == ["f.txt"]
    assert names("a/*/y") == ["a/b/y"]
    assert names("*/x.txt") == ["a/x.txt"]
    assert names("f.txt") == ["f.txt"]
    assert names("nope*") == []
    assert names(r"\*.txt") == []
    assert names("[z-a]") == []
    assert gfile.glob([f"{root}/f*", f"{root}/a/*"]) == [
        *(f"{root}/f.txt", f"{root}/a/b", f"{root}/a/x.txt")
    ]
    if "memory" not in root:
        with pytest.raises(errors.NotFoundError):
            gfile.Glob(f"{root}/nodir/*")


def test_glob_of_bare_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f.txt").write_text("")
    (tmp_path / "[odd]").write_text("")
    assert gfile.Glob("*.txt") == ["./f.txt"]
    assert gfile.Glob(b"f.txt") == ["./f.txt"]
    assert gfile.Glob(r"\[odd\]") == ["./[odd]"]


def test_making_directories(root):
    gfile.MkDir(f"{root}/a")
    gfile.MkDir(f"{root}/new")
    assert gfile.IsDirectory(f"{root}/new")
    gfile.MakeDirs(f"{root}/q/r/s")
    gfile.makedirs(f"{root}/q/r/s")
    assert gfile.IsDirectory(f"{root}/q/r/s")
    gfile.MakeDirs("")


def test_making_directories_without_a_parent(tmp_path):
    with pytest.raises(errors.NotFoundError):
        gfile.mkdir(tmp_path / "no" / "parent")
    (tmp_path / "f").write_text("")
    with pytest.raises(errors.FailedPreconditionError):
        gfile.MakeDirs(tmp_path / "f" / "z")


def test_removing(root):
    gfile.Remove(f"{root}/f.txt")
    assert not gfile.Exists(f"{root}/f.txt")
    with pytest.raises(errors.NotFoundError):
        gfile.remove(f"{root}/f.txt")
    gfile.DeleteRecursively(f"{root}/a")
    assert not gfile.Exists(f"{root}/a/b/y")
    with pytest.raises(errors.NotFoundError, match="not found"):
        gfile.rmtree(f"{root}/a")
    with pytest.raises(errors.FailedPreconditionError):
        gfile.DeleteRecursively(f"{root}/a.txt")


def test_a_directory_is_no_file_to_remove(tmp_path):
    with pytest.raises(errors.FailedPreconditionError):
        gfile.Remove(tmp_path)


def test_copying_and_renaming(root):
    gfile.Copy(f"{root}/f.txt", f"{root}/g.txt")
    assert GFile(f"{root}/g.txt", "rb").read() == TEXT
    for call in (gfile.Copy, gfile.copy, gfile.Rename, gfile.rename):
        with pytest.raises(errors.AlreadyExistsError):
            call(f"{root}/a.txt", f"{root}/g.txt")
        with pytest.raises(errors.NotFoundError):
            call(f"{root}/nope", f"{root}/h")
    gfile.Copy(f"{root}/a.txt", f"{root}/g.txt", overwrite=True)
    assert GFile(f"{root}/g.txt").size() == 0
    gfile.Rename(f"{root}/f.txt", f"{root}/g.txt", overwrite=True)
    assert GFile(f"{root}/g.txt", "rb").read() == TEXT
    assert not gfile.Exists(f"{root}/f.txt")
    gfile.Rename(f"{root}/a", f"{root}/z")
    assert GFile(f"{root}/z/b/y").read() == "y"
    with pytest.raises(errors.InvalidArgumentError):
        gfile.Copy(f"{root}/z", f"{root}/h")


def test_walk(root):
    down = list(gfile.Walk(f"{root}/a"))
    assert down == [(f"{root}/a", ["b"], ["x.txt"]), (f"{root}/a/b", [], ["y"])]
    assert list(gfile.Walk(f"{root}/a", in_order=False)) == down[::-1]
    assert list(gfile.walk(f"{root}/a", topdown=False)) == down[::-1]
    assert list(gfile.Walk(f"{root}/nope")) == []
    seen = []
    assert list(gfile.walk(f"{root}/f.txt", onerror=seen.append)) == []
    assert isinstance(seen[0], errors.NotFoundError)


def test_reading_text(root):
    file = GFile(f"{root}/f.txt")
    assert (file.name, file.mode, file.size(), file.tell()) == (f"{root}/f.txt", "r", 20, 0)
    assert file.seekable()
    assert file.readline() == "line1\n"
    assert file.tell() == 6
    assert file.read(3) == "lin"
    file.seek(0)
    assert file.read() == TEXT.decode()
    assert file.read() == file.readline() == ""
    file.seek(-2, 2)
    assert file.read() == "st"
    file.seek(1)
    file.seek(2, 1)
    assert file.tell() == 3
    file.seek(position=1)
    assert file.readlines() == ["ine1\n", "line2\n", "éx\n", "last"]
    with pytest.raises(errors.OutOfRangeError):
        file.seek(100)
    assert file.read() == ""
    for arguments in ((-1,), (0, 7)):
        with pytest.raises(errors.InvalidArgumentError):
            file.seek(*arguments)
    for arguments in ({}, {"offset": 1, "position": 2}):
        with pytest.raises(TypeError):
            file.seek(**arguments)
    file.close()
    assert file.read(1) == "l"
    file.close()


def test_reading_bytes_and_lines(root):
    with GFile(f"{root}/f.txt", "rb") as file:
        assert file.read(14) == TEXT[:14]
        assert list(file) == [b"x\n", b"last"]
    with FastGFile(f"{root}/f.txt") as file:
        assert list(file)[2:] == ["éx\n", "last"]
        with pytest.raises(StopIteration):
            file.next()


def test_carriage_returns_are_dropped(tmp_path):
    (tmp_path / "f").write_bytes(b"a\r\nb")
    with GFile(tmp_path / "f") as file:
        assert file.readlines() == ["a\n", "b"]


def test_writing(root):
    file = GFile(f"{root}/new", "w")
    assert not gfile.Exists(f"{root}/new")
    file.write("äb")
    assert file.tell() == 3
    file.write(b"\n")
    with pytest.raises(TypeError, match="binary or unicode string"):
        file.write(3)
    for call in (file.read, lambda: file.seek(0)):
        with pytest.raises(errors.PermissionDeniedError, match="reading"):
            call()
    file.flush()
    file.close()
    with GFile(f"{root}/new", "a") as file:
        assert file.tell() == 4
        file.write("more")
    assert GFile(f"{root}/new", "rb").read() == "äb\nmore".encode()
    with pytest.raises(errors.PermissionDeniedError, match="writing"):
        GFile(f"{root}/new").write("x")


def test_a_dropped_file_has_been_written(tmp_path):
    file = GFile(tmp_path / "f", "w")
    file.write("x")
    del file
    assert (tmp_path / "f").read_text() == "x"


@pytest.mark.parametrize(
    ("mode", "wanted"), [("r+", b"ZZ" + TEXT[2:]), ("w+", b"ZZ"), ("a+", TEXT + b"ZZ")]
)
def test_reading_and_writing(tmp_path, mode, wanted):
    (tmp_path / "f").write_bytes(TEXT)
    with GFile(tmp_path / "f", mode) as file:
        assert file.read(2) == "li"
        file.write("ZZ")
        file.flush()
    assert (tmp_path / "f").read_bytes() == wanted


def test_errors_of_files(tmp_path):
    with pytest.raises(errors.InvalidArgumentError, match="mode is not"):
        GFile("x", "q")
    with pytest.raises(errors.NotFoundError):
        GFile(tmp_path / "none").read()
    with pytest.raises(errors.NotFoundError):
        GFile(tmp_path / "none").size()
    with pytest.raises(errors.FailedPreconditionError, match="Is a directory"):
        GFile(tmp_path).read()
    with pytest.raises(errors.FailedPreconditionError, match="Is a directory"):
        GFile(tmp_path, "w").write("x")
    with pytest.raises(errors.NotFoundError):
        GFile(tmp_path / "no" / "f", "w").write("x")
    GFile(tmp_path / "unused", "w").close()
    assert os.listdir(tmp_path) == []


def test_other_spellings_of_paths(tmp_path):
    (tmp_path / "f").write_text("x")
    for path in (tmp_path / "f", os.fsencode(tmp_path / "f"), f"file://{tmp_path}/f"):
        assert GFile(path).read() == "x"
        assert gfile.Exists(path)
    with pytest.raises(errors.UnimplementedError, match="nosuch"):
        gfile.Exists("nosuch://x/y")
