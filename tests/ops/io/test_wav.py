"""Sounds in WAV files; the bytes were checked against TF 1.15."""

import numpy as np
import pytest

import millstream as tf

SOUND = np.linspace(-1.2, 1.2, 12, dtype=np.float32).reshape(6, 2)


@pytest.fixture
def run():
    with tf.Graph().as_default(), tf.Session() as session:
        yield session.run


def test_sound_comes_back(run):
    data = run(tf.audio.encode_wav(SOUND, 8000))
    assert data[:44].hex() == (
        "524946463c00000057415645666d7420100000000100020040"
        "1f0000007d00000400100064617461" + "18000000"
    )
    audio, rate = run(tf.audio.decode_wav(data))
    assert rate == 8000
    np.testing.assert_allclose(audio, SOUND.clip(-1, 1), atol=4e-5)
    padded = run(tf.audio.decode_wav(data, desired_channels=3, desired_samples=8).audio)
    assert padded.shape == (8, 3)
    assert not padded[6:].any()
    assert padded[:6].tolist() == audio[:, [0, 1, 1]].tolist()


@pytest.mark.parametrize("size", [0, 11, 30])
def test_truncated_file(run, size):
    data = run(tf.audio.encode_wav(SOUND, 8000))
    with pytest.raises(tf.errors.InvalidArgumentError, match="Data too short"):
        run(tf.audio.decode_wav(data[:size]).audio)


def test_rank_is_checked():
    with tf.Graph().as_default(), pytest.raises(ValueError, match="rank 2"):
        tf.audio.encode_wav(np.zeros(3, np.float32), 8000)
