"""StringToHashBucketStrong: buckets by SipHash-2-4, whose key an adversary does not know."""

import numpy as np

from millstream.base.export import export
from millstream.ir.spec import AtLeast, Int64, String, Tensor, op
from millstream.ops.string.elements import each, invalid

_WORD = (1 << 64) - 1
_START = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)


@op
def StringToHashBucketStrong(
    input: Tensor[String], *, num_buckets: AtLeast(1), key: list[int]
) -> Tensor[Int64]:
    """Gives each string the number of a bucket, by a hash with a secret key of two words."""


def _rotated(word: int, count: int) -> int:
    return (word << count | word >> (64 - count)) & _WORD


def _rounds(v: list[int], count: int) -> None:
    a, b, c, d = v
    for _ in range(count):
        a, c = a + b & _WORD, c + d & _WORD
        b, d = _rotated(b, 13) ^ a, _rotated(d, 16) ^ c
        a, c = _rotated(a, 32) + d & _WORD, c + b & _WORD
        b, d = _rotated(b, 17) ^ c, _rotated(d, 21) ^ a
        c = _rotated(c, 32)
    v[:] = a, b, c, d


def siphash(key: tuple[int, int], text: bytes) -> int:
    """Returns the SipHash-2-4 of a string, 64 bits.

    Source: Aumasson and Bernstein, SipHash: a fast short-input PRF, 2012.
    """
    v = [start ^ key[at % 2] for at, start in enumerate(_START)]
    whole = len(text) // 8 * 8
    last = text[whole:] + bytes(7 - len(text) % 8) + bytes([len(text) & 255])
    for at in range(0, whole + 8, 8):
        word = int.from_bytes(text[at : at + 8] if at < whole else last, "little")
        v[3] ^= word
        _rounds(v, 2)
        v[0] ^= word
    v[2] ^= 255
    _rounds(v, 4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


@StringToHashBucketStrong.reference
def _(input, num_buckets, key):
    if len(key) != 2:
        raise invalid("Key must have 2 elements")
    words = tuple(k & _WORD for k in key)
    return each(lambda text: siphash(words, text) % num_buckets, input).astype(np.int64)


StringToHashBucketStrong.shape_unchanged()
StringToHashBucketStrong.no_gradient("strings have none")
StringToHashBucketStrong.examples(["a", "hello there"], num_buckets=10, key=[1, 2])
StringToHashBucketStrong.fails("2 elements", ["a"], num_buckets=10, key=[1])


@export("string_to_hash_bucket_strong", "strings.to_hash_bucket_strong")
def string_to_hash_bucket_strong(input, num_buckets, key, name=None):
    """Returns the number of a bucket for each string, by a hash with a key, int64.

    Who does not know the key cannot choose strings that fall in one bucket. It is slower than
    `tf.strings.to_hash_bucket_fast`.

    Args:
      input: strings.
      num_buckets: how many buckets there are, a Python int.
      key: two integers of 64 bits.
      name: name of the node.
    """
    return StringToHashBucketStrong(input, num_buckets=num_buckets, key=key, name=name)
