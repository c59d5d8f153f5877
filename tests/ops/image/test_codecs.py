"""Images decoded as TF 1.15 decodes them, round trips, and damaged files."""

import sys
from pathlib import Path

import numpy as np
import pytest

import millstream as tf
from millstream.ops.image import jpeg_library

GOLDEN = Path(__file__).parents[2] / "golden"
sys.path.insert(0, str(GOLDEN))
import image_codecs  # noqa: E402

RECORD = np.load(GOLDEN / "image_codecs.npz")


def _file(name):
    return RECORD[f"file/{name}"].tobytes()


@pytest.fixture
def run():
    with tf.Graph().as_default(), tf.Session() as session:
        yield session.run


@pytest.mark.parametrize(("name", "call"), image_codecs.CALLS)
def test_values_are_those_of_tf(run, name, call):
    found = run(eval(f"tf.image.{call}", {"tf": tf, "data": _file(name)}))
    wanted = RECORD[f"{name}/{call}"]
    assert found.dtype == wanted.dtype
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


@pytest.mark.parametrize("name", ["jpeg40", "jpeg95", "progressive"])
def test_jpegs_are_those_of_tf_byte_by_byte(run, name):
    assert image_codecs.files(tf, _Only(run, name))[name] == _file(name)


class _Only:
    def __init__(self, run, name):
        self._run, self._name = run, name

    def run(self, tensors):
        return {self._name: self._run(tensors[self._name])}


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_pngs_come_back(run, channels, dtype):
    pixels = np.random.RandomState(0).randint(0, np.iinfo(dtype).max + 1, (7, 5, channels))
    data = tf.image.encode_png(tf.constant(pixels.astype(dtype)))
    assert run(tf.image.decode_png(data, dtype=dtype)).tolist() == pixels.tolist()


def test_metadata_and_quality(run):
    pixels = image_codecs.picture()[..., :3]
    data = run(tf.image.encode_jpeg(pixels, xmp_metadata="hello", x_density=72))
    assert b"http://ns.adobe.com/xap/1.0/\0hello" in data
    assert data[14:16] == b"\0H"
    rough = run(tf.image.adjust_jpeg_quality(pixels, 10))
    fine = run(tf.image.adjust_jpeg_quality(tf.constant(pixels / np.float32(255)), 100)) * 255
    error = [abs(image - pixels.astype(float)).mean() for image in (rough, fine)]
    assert error[1] < error[0] < 60
    assert run(tf.image.random_jpeg_quality(pixels, 20, 80, seed=1)).shape == pixels.shape
    with pytest.raises(ValueError, match="must be less"):
        tf.image.random_jpeg_quality(pixels, 80, 20)


def test_formats_are_told_apart(run):
    names = ["jpeg40", "png3"]
    assert run(tf.image.is_jpeg([_file(name) for name in names])).tolist() == [True, False]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("decode_jpeg(b'nonsense')", "got unknown format starting with 'nonsense'"),
        ("decode_jpeg(b'')", "got empty file"),
        ("decode_jpeg(f('jpeg40')[:300])", "Invalid JPEG data or crop window, data size 300"),
        ("decode_jpeg(f('jpeg40'), channels=4)", "channels must be 0, 1, or 3"),
        ("decode_jpeg(f('jpeg40'), ratio=3)", "ratio must be"),
        ("decode_jpeg(f('jpeg40'), dct_method='x')", "dct_method must be"),
        ("decode_png(f('png3')[:100])", "Invalid PNG data, size 100"),
        ("decode_png(f('deep3')[:100])", "Invalid PNG data, size 100"),
        ("decode_png(f('png3'), channels=2)", "channels must be 0, 1, 3, or 4, got 2"),
        ("decode_bmp(f('bmp')[:99])", "Incomplete bmp content"),
        ("decode_bmp(b'BM')", "requires at least 32 bytes"),
        ("decode_bmp(f('bmp'), channels=4)", "does not match bits per pixel"),
        ("decode_gif(b'GIF89a')", "No screen descriptor"),
        ("decode_image(b'nonsense!')", "Unable to decode bytes"),
        ("decode_image(f('bmp'), channels=1)", "when decoding BMP"),
        ("decode_and_crop_jpeg(f('jpeg40'), [0, 0, 99, 9])", "Invalid JPEG data or crop window"),
        ("extract_jpeg_shape(b'xxxx')", "Invalid JPEG data, size 4"),
        ("encode_jpeg(np.zeros([2, 2, 2], np.uint8))", "must have 1 or 3 channels"),
        ("encode_jpeg(np.zeros([0, 2, 3], np.uint8))", "empty or too large"),
        ("encode_jpeg(np.zeros([2, 2, 3], np.uint8), quality=101)", r"in \[0,100\]"),
        ("encode_jpeg(np.zeros([2, 2, 3], np.uint8), format='grayscale')", "expects 1 channels"),
        ("encode_png(np.zeros([2, 2, 5], np.uint8))", "got 5"),
    ],
)
def test_what_is_wrong_is_said(run, call, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        run(eval(f"tf.image.{call}", {"tf": tf, "np": np, "f": _file}))


def test_a_bomb_is_refused(run):
    huge = bytearray(_file("png3"))
    huge[16:24] = (60000).to_bytes(4, "big") * 2
    with pytest.raises(tf.errors.InvalidArgumentError, match="too large"):
        run(tf.image.decode_png(bytes(huge)))


def test_damaged_files_give_errors_only(run):
    rng = np.random.RandomState(0)
    data = tf.placeholder(tf.string, [])
    decoded = tf.image.decode_image(data)
    for name in ("jpeg40", "png3", "deep3", "bmp"):
        for _ in range(30):
            damaged = bytearray(_file(name))
            for at in rng.randint(0, len(damaged), 3):
                damaged[at] = rng.randint(256)
            try:
                run(decoded, {data: bytes(damaged)})
            except tf.errors.InvalidArgumentError:
                continue


def test_crop_is_part_of_the_image(run):
    image = run(tf.image.decode_jpeg(_file("grey")))
    part = run(tf.image.decode_and_crop_jpeg(_file("grey"), [2, 3, 5, 7]))
    assert part.tolist() == image[2:7, 3:10].tolist()


@pytest.mark.parametrize("name", ["jpeg40", "jpeg95", "progressive", "grey"])
def test_pillow_stands_in_with_values_that_are_near(run, name, monkeypatch):
    wanted = run(tf.image.decode_jpeg(_file(name)))
    half = run(tf.image.decode_jpeg(_file(name), ratio=2))
    monkeypatch.setattr(jpeg_library, "simplejpeg", None)
    found = run(tf.image.decode_jpeg(_file(name)))
    assert np.abs(found.astype(int) - wanted).max() <= 12
    assert run(tf.image.decode_jpeg(_file(name), ratio=2)).shape == half.shape
    assert run(tf.image.extract_jpeg_shape(_file(name))).tolist() == list(wanted.shape)
    for bad in (b"\xff\xd8\xff\xe0abc", _file(name)[:200]):
        with pytest.raises(tf.errors.InvalidArgumentError, match="Invalid JPEG data"):
            run(tf.image.decode_jpeg(bad))
