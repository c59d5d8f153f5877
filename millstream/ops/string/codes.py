"""Ops that encode strings: base64, hash buckets."""

import base64
import binascii

import numpy as np

from millstream.base.export import export
from millstream.ir.spec import AtLeast, Int64, String, Tensor, op
from millstream.ops.string.elements import each, invalid
from millstream.ops.string.farmhash import fingerprint64

__all__ = [
    "decode_base64",
    "encode_base64",
    "string_to_hash_bucket",
    "string_to_hash_bucket_fast",
]


@op
def EncodeBase64(input: Tensor[String], *, pad: bool = False) -> Tensor[String]:
    """Encodes strings in the web-safe form of base64."""


@op
def DecodeBase64(input: Tensor[String]) -> Tensor[String]:
    """Decodes the web-safe form of base64; padding may be there or not."""


@op
def StringToHashBucket(string_tensor: Tensor[String], *, num_buckets: AtLeast(1)) -> Tensor[Int64]:
    """Gives each string the number of a bucket, by a hash that is kept for old programs."""


@op
def StringToHashBucketFast(input: Tensor[String], *, num_buckets: AtLeast(1)) -> Tensor[Int64]:
    """Gives each string the number of a bucket, by its fingerprint."""


@EncodeBase64.reference
def _(input, pad):
    def encode(text):
        code = base64.urlsafe_b64encode(text)
        return code if pad else code.rstrip(b"=")

    return each(encode, input)


@DecodeBase64.reference
def _(input):
    def decode(text):
        code = text.rstrip(b"=")
        if len(code) % 4 == 1:
            raise invalid("Base64 string length cannot be 1 modulo 4.")
        try:
            return base64.b64decode(code + b"=" * (-len(code) % 4), b"-_", validate=True)
        except binascii.Error:
            raise invalid(f"Invalid character found in base64: {text!r}") from None

    return each(decode, input)


_WORD = (1 << 64) - 1
_MIX = 0xC6A4A7935BD1E995
_SEED = 0xDECAFCAFFE


def _mixed(word):
    word = word * _MIX & _WORD
    return (word ^ word >> 47) * _MIX & _WORD


def hash64(text: bytes) -> int:
    """Returns TF's older 64-bit hash of a string, which is MurmurHash64A with a seed of its own."""
    code = _SEED ^ (len(text) * _MIX & _WORD)
    whole = len(text) // 8 * 8
    for at in range(0, whole, 8):
        code = (code ^ _mixed(int.from_bytes(text[at : at + 8], "little"))) * _MIX & _WORD
    if whole < len(text):
        code = (code ^ int.from_bytes(text[whole:], "little")) * _MIX & _WORD
    code = (code ^ code >> 47) * _MIX & _WORD
    return code ^ code >> 47


@StringToHashBucket.reference
def _(string_tensor, num_buckets):
    return each(lambda text: hash64(text) % num_buckets, string_tensor).astype(np.int64)


@StringToHashBucketFast.reference
def _(input, num_buckets):
    return each(lambda text: fingerprint64(text) % num_buckets, input).astype(np.int64)


for _opdef in (EncodeBase64, DecodeBase64, StringToHashBucket, StringToHashBucketFast):
    _opdef.shape_unchanged()
    _opdef.no_gradient("strings have none")
EncodeBase64.examples(["hello", "a"])
EncodeBase64.examples(["hello", "a"], pad=True)
DecodeBase64.examples(["aGVsbG8", "YQ=="])
DecodeBase64.fails("1 modulo 4", ["a"])
StringToHashBucket.examples(["a", "hello there"], num_buckets=10)
StringToHashBucketFast.examples(["a", "hello there"], num_buckets=10)


@export("encode_base64", "io.encode_base64")
def encode_base64(input, pad=False, name=None):
    """Returns strings in web-safe base64, padded with `=` if `pad` is set."""
    return EncodeBase64(input, pad=pad, name=name)


@export("decode_base64", "io.decode_base64")
def decode_base64(input, name=None):
    """Returns the strings that web-safe base64 stands for.

    Raises:
      InvalidArgumentError: when it runs, if a string is no base64.
    """
    return DecodeBase64(input, name=name)


@export("string_to_hash_bucket", "strings.to_hash_bucket")
def string_to_hash_bucket(string_tensor=None, num_buckets=None, name=None, input=None):
    """Returns the number of a bucket for each string, in `[0, num_buckets)`, int64.

    Args:
      string_tensor: strings.
      num_buckets: how many buckets there are, a Python int.
      name: name of the node.
      input: another name of `string_tensor`.
    """
    strings = string_tensor if input is None else input
    return StringToHashBucket(strings, num_buckets=num_buckets, name=name)


@export("string_to_hash_bucket_fast", "strings.to_hash_bucket_fast")
def string_to_hash_bucket_fast(input, num_buckets, name=None):
    """Returns the number of a bucket for each string, in `[0, num_buckets)`, int64.

    The hash is fast and never changes, but strings that collide are easy to find.

    Args:
      input: strings.
      num_buckets: how many buckets there are, a Python int.
      name: name of the node.
    """
    return StringToHashBucketFast(input, num_buckets=num_buckets, name=name)
