"""FarmHash's 64-bit fingerprint, by which TF puts strings into buckets.

All arithmetic is modulo 2**64; words are read little-endian. A string is hashed by one of four
recipes, by its length; the one for long strings keeps a state of seven words and takes in 64 bytes
at a time.
"""

from functools import lru_cache

_WORD = (1 << 64) - 1
_K0 = 0xC3A5C85C97CB3127
_K1 = 0xB492B66FBE98F273
_K2 = 0x9AE16A3B2F90404F
_SEED = 81


def _rotated(word: int, count: int) -> int:
    word &= _WORD
    return (word >> count | word << (64 - count)) & _WORD


def _folded(word: int) -> int:
    word &= _WORD
    return word ^ word >> 47


def _joined(u: int, v: int, factor: int) -> int:
    """Hashes two words to one."""
    a = _folded((u ^ v & _WORD) * factor)
    return _folded((v & _WORD ^ a) * factor) * factor & _WORD


def _word(text: bytes, at: int, size: int = 8) -> int:
    at += len(text) if at < 0 else 0
    return int.from_bytes(text[at : at + size], "little")


# The words of a feature come again and again.
@lru_cache(maxsize=1 << 16)
def fingerprint64(text: bytes) -> int:
    """Returns the fingerprint of a string, a 64-bit number that never changes."""
    size = len(text)
    if size > 64:
        return _long(text)
    factor = _K2 + 2 * size & _WORD
    if size > 32:
        return _medium(text, factor)
    if size > 16:
        return _joined(*_pair(text, factor, _K1), factor)
    return _short(text, factor)


def _short(text: bytes, factor: int) -> int:
    size = len(text)
    if size >= 8:
        a, b = _word(text, 0) + _K2 & _WORD, _word(text, -8)
        return _joined(
            _rotated(b, 37) * factor + a & _WORD, (_rotated(a, 25) + b) * factor & _WORD, factor
        )
    if size >= 4:
        return _joined(size + (_word(text, 0, 4) << 3), _word(text, -4, 4), factor)
    if size:
        y = text[0] + (text[size >> 1] << 8)
        z = size + (text[-1] << 2)
        return _folded(y * _K2 ^ z * _K0) * _K2 & _WORD
    return _K2


def _pair(text: bytes, factor: int, first_factor: int) -> tuple[int, int]:
    """Returns two words made of the first and last 16 bytes."""
    a, b = _word(text, 0) * first_factor, _word(text, 8)
    c, d = _word(text, -8) * factor, _word(text, -16) * _K2
    y = _rotated(a + b, 43) + _rotated(c, 30) + d & _WORD
    return y, a + _rotated(b + _K2, 18) + c & _WORD


def _medium(text: bytes, factor: int) -> int:
    a = _word(text, 0) * _K2
    y, other = _pair(text, factor, _K2)
    z = _joined(y, other, factor)
    e, f = _word(text, 16) * factor, _word(text, 24)
    g, h = (y + _word(text, -32)) * factor, (z + _word(text, -24)) * factor
    return _joined(
        _rotated(e + f, 43) + _rotated(g, 30) + h & _WORD,
        e + _rotated(f + a, 18) + g & _WORD,
        factor,
    )


def _weak(block: bytes, a: int, b: int) -> tuple[int, int]:
    """Hashes 32 bytes and two seeds to two words."""
    w, x, y, z = (_word(block, at) for at in (0, 8, 16, 24))
    a += w
    b = _rotated(b + a + z, 21)
    c = a
    a += x + y
    b += _rotated(a, 44)
    return a + z & _WORD, b + c & _WORD


class _State:
    """The seven words of the recipe for long strings."""

    def __init__(self, text: bytes) -> None:
        self.y = _SEED * _K1 + 113 & _WORD
        self.z = _folded(self.y * _K2 + 113) * _K2 & _WORD
        self.x = _SEED * _K2 + _word(text, 0) & _WORD
        self.v = self.w = (0, 0)

    def take(self, block: bytes, factor: int, weight: int) -> None:
        """Mixes 64 bytes in; the last ones have another factor, and a weight."""
        v, w = self.v, self.w
        x = _rotated(self.x + self.y + v[0] + _word(block, 8), 37) * factor & _WORD
        y = _rotated(self.y + v[1] + _word(block, 48), 42) * factor & _WORD
        x ^= w[1] * weight & _WORD
        y = y + v[0] * weight + _word(block, 40) & _WORD
        z = _rotated(self.z + w[0], 33) * factor & _WORD
        self.v = _weak(block[:32], v[1] * factor, x + w[0])
        self.w = _weak(block[32:], z + w[1], y + _word(block, 16))
        self.x, self.y, self.z = z, y, x


def _long(text: bytes) -> int:
    state = _State(text)
    rest = len(text) - 1 & 63
    for at in range(0, len(text) - 1 - rest, 64):
        state.take(text[at : at + 64], _K1, 1)
    factor = _K1 + ((state.z & 0xFF) << 1)
    first = state.w[0] + rest
    state.v = (state.v[0] + first & _WORD, state.v[1])
    state.w = (first + state.v[0] & _WORD, state.w[1])
    state.take(text[-64:], factor, 9)
    v, w = state.v, state.w
    return _joined(
        _joined(v[0], w[0], factor) + _folded(state.y) * _K0 + state.z & _WORD,
        _joined(v[1], w[1], factor) + state.x & _WORD,
        factor,
    )
