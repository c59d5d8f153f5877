"""Mel scales: `linear_to_mel_weight_matrix`, `mfccs_from_log_mel_spectrograms`."""

from millstream.base.dtypes import Float, as_dtype
from millstream.base.export import export
from millstream.ir.constant import constant
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ops.array.reshaping import expand_dims
from millstream.ops.by_name import ops
from millstream.ops.math.cast import cast
from millstream.ops.signal.cosine import dct
from millstream.ops.signal.frames import frame

_BREAK_HERTZ = 700.0
_HIGH_Q = 1127.0


def _to_mel(hertz):
    return _HIGH_Q * ops.Log(1.0 + hertz / _BREAK_HERTZ)


@export("signal.linear_to_mel_weight_matrix")
def linear_to_mel_weight_matrix(
    num_mel_bins=20,
    num_spectrogram_bins=129,
    sample_rate=8000,
    lower_edge_hertz=125.0,
    upper_edge_hertz=3800.0,
    dtype=Float,
    name=None,
):
    """Returns the matrix that turns spectra into mel spectra: triangles, even on the mel scale.

    Args:
      num_mel_bins: number of bands.
      num_spectrogram_bins: number of frequencies of a spectrum, from 0 to half the sample rate.
      sample_rate: samples per second.
      lower_edge_hertz: where the first band begins.
      upper_edge_hertz: where the last one ends.
      dtype: a floating type.
      name: name of the nodes' scope.

    Returns:
      `[num_spectrogram_bins, num_mel_bins]`.

    Raises:
      ValueError: if a number is out of range.
    """
    with name_scope(name, "linear_to_mel_weight_matrix"):
        dtype = as_dtype(dtype)
        _check(num_mel_bins, sample_rate, lower_edge_hertz, upper_edge_hertz, dtype)
        lower, upper = constant(lower_edge_hertz, dtype), constant(upper_edge_hertz, dtype)
        zero = constant(0.0, dtype)
        nyquist = cast(sample_rate, dtype) / constant(2.0, dtype)
        hertz = ops.LinSpace(zero, nyquist, num_spectrogram_bins)[1:]
        mel = expand_dims(_to_mel(hertz), 1)
        edges = ops.LinSpace(_to_mel(lower), _to_mel(upper), num_mel_bins + 2)
        bands = frame(edges, frame_length=3, frame_step=1)
        left, centre, right = (expand_dims(bands[:, at], 0) for at in range(3))
        rising, falling = (mel - left) / (centre - left), (right - mel) / (right - centre)
        triangles = ops.Maximum(zero, ops.Minimum(rising, falling))
        # The band of frequency zero is always empty: its mel value is that of nothing.
        return ops.Pad(triangles, [[1, 0], [0, 0]])


def _check(num_mel_bins, sample_rate, lower, upper, dtype):
    if num_mel_bins <= 0:
        raise ValueError(f"num_mel_bins must be positive. Got: {num_mel_bins}")
    if lower < 0.0:
        raise ValueError(f"lower_edge_hertz must be non-negative. Got: {lower}")
    if lower >= upper:
        raise ValueError(f"lower_edge_hertz {lower} >= upper_edge_hertz {upper}")
    if isinstance(sample_rate, int | float):
        if sample_rate <= 0.0:
            raise ValueError(f"sample_rate must be positive. Got: {sample_rate}")
        if upper > sample_rate / 2:
            raise ValueError(
                f"upper_edge_hertz must not be larger than the Nyquist frequency "
                f"(sample_rate / 2). Got {upper} for sample_rate: {sample_rate}"
            )
    if not dtype.is_floating:
        raise ValueError(f"dtype must be a floating point type. Got: {dtype!r}")


@export("signal.mfccs_from_log_mel_spectrograms")
def mfccs_from_log_mel_spectrograms(log_mel_spectrograms, name=None):
    """Returns the mel-frequency cepstral coefficients of logarithms of mel spectra.

    Args:
      log_mel_spectrograms: `[…, num_mel_bins]` float32.
      name: name of the nodes' scope.

    Returns:
      As many coefficients; the first dozen are what is mostly used.

    Raises:
      ValueError: if there are no bands.
    """
    with name_scope(name, "mfccs_from_log_mel_spectrograms", [log_mel_spectrograms]):
        logs = convert_to_tensor(log_mel_spectrograms, dtype=Float)
        bands = logs.shape.as_list()[-1]
        if bands == 0:
            raise ValueError(f"num_mel_bins must be positive. Got: {log_mel_spectrograms}")
        count = ops.Shape(logs)[-1] if bands is None else bands
        return dct(logs, type=2) * ops.Rsqrt(cast(count, Float) * 2.0)
