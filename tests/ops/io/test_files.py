"""Reading, writing and listing files in steps."""

import pytest

import millstream as tf


@pytest.fixture
def run():
    with tf.Graph().as_default(), tf.Session() as session:
        yield session.run


def test_what_is_written_is_read(run, tmp_path):
    path = str(tmp_path / "new" / "deep" / "x")
    assert run(tf.write_file(path, b"a\0b")) is None
    assert run(tf.read_file(path)) == b"a\0b"


def test_missing_file_and_directory(run, tmp_path):
    with pytest.raises(tf.errors.NotFoundError, match="nope; No such file or directory"):
        run(tf.read_file(str(tmp_path / "nope")))
    for call in (tf.read_file(str(tmp_path)), tf.write_file(str(tmp_path), "x")):
        with pytest.raises(tf.errors.FailedPreconditionError, match="Is a directory"):
            run(call)
    with pytest.raises(ValueError, match="rank 0"):
        tf.read_file(["a"])


def test_matches_are_sorted_and_kept_per_pattern(run, tmp_path):
    for name in "cab":
        (tmp_path / f"{name}.txt").write_text(name)
    pattern = f"{tmp_path}/*.txt"
    names = [f"{tmp_path}/{name}.txt".encode() for name in "abc"]
    assert run(tf.matching_files(pattern)).tolist() == names
    assert run(tf.matching_files([pattern, f"{tmp_path}/a*"])).tolist() == [names[0], *names]
    assert run(tf.matching_files(f"{tmp_path}/z*")).tolist() == []
    with pytest.raises(tf.errors.NotFoundError):
        run(tf.matching_files(f"{tmp_path}/none/*"))


def test_a_name_without_a_directory(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").write_text("")
    assert run(tf.matching_files("*")).tolist() == [b"./a"]
