"""The layers of Inception v1 to v3 as tables.

A step is `(scope, width, window, options)`; the width of pools is `"max"` or `"avg"`; a list of
steps runs side by side.
"""

_POOL = ("MaxPool_0a_3x3", "max", [3, 3])
_MEAN = ("AvgPool_0a_3x3", "avg", [3, 3])
_HALF = {"stride": 2}
_HALF_VALID = {"stride": 2, "padding": "VALID"}


def _one(width, scope="Conv2d_0a_1x1", **options):
    return (scope, width, [1, 1], options)


# -- version 1

V1_STEM = [
    ("Conv2d_1a_7x7", 64, [7, 7], _HALF),
    ("MaxPool_2a_3x3", "max", [3, 3], _HALF),
    ("Conv2d_2b_1x1", 64, [1, 1]),
    ("Conv2d_2c_3x3", 192, [3, 3]),
    ("MaxPool_3a_3x3", "max", [3, 3], _HALF),
]


def _v1(b0, b1, b2, b3, last="Conv2d_0b_3x3"):
    return [
        [_one(b0)],
        [_one(b1[0]), ("Conv2d_0b_3x3", b1[1], [3, 3])],
        [_one(b2[0]), (last, b2[1], [3, 3])],
        [_POOL, _one(b3, "Conv2d_0b_1x1")],
    ]


V1_BLOCKS = [
    ("Mixed_3b", _v1(64, (96, 128), (16, 32), 32)),
    ("Mixed_3c", _v1(128, (128, 192), (32, 96), 64)),
    ("MaxPool_4a_3x3", "max", [3, 3], _HALF),
    ("Mixed_4b", _v1(192, (96, 208), (16, 48), 64)),
    ("Mixed_4c", _v1(160, (112, 224), (24, 64), 64)),
    ("Mixed_4d", _v1(128, (128, 256), (24, 64), 64)),
    ("Mixed_4e", _v1(112, (144, 288), (32, 64), 64)),
    ("Mixed_4f", _v1(256, (160, 320), (32, 128), 128)),
    ("MaxPool_5a_2x2", "max", [2, 2], _HALF),
    # The published checkpoint has this scope's name with "0a".
    ("Mixed_5b", _v1(256, (160, 320), (32, 128), 128, last="Conv2d_0a_3x3")),
    ("Mixed_5c", _v1(384, (192, 384), (48, 128), 128)),
]

# -- version 2: widths scale with `depth`, initializers of 1 × 1 differ

V2_STEM = [
    ("MaxPool_2a_3x3", "max", [3, 3], _HALF),
    ("Conv2d_2b_1x1", 64, [1, 1], {"normal": 0.1}),
    ("Conv2d_2c_3x3", 192, [3, 3]),
    ("MaxPool_3a_3x3", "max", [3, 3], _HALF),
]


def _v2(b0, b1, b2, b3, pool=_MEAN):
    first = {"normal": 0.09}
    return [
        [_one(b0)],
        [_one(b1[0], **first), ("Conv2d_0b_3x3", b1[1], [3, 3])],
        [_one(b2[0], **first), ("Conv2d_0b_3x3", b2[1], [3, 3]),
         ("Conv2d_0c_3x3", b2[1], [3, 3])],
        [pool, _one(b3, "Conv2d_0b_1x1", normal=0.1)],
    ]  # fmt: skip


def _v2_half(b0, b1):
    first = {"normal": 0.09}
    return [
        [_one(b0[0], **first), ("Conv2d_1a_3x3", b0[1], [3, 3], _HALF)],
        [_one(b1[0], **first), ("Conv2d_0b_3x3", b1[1], [3, 3]),
         ("Conv2d_1a_3x3", b1[1], [3, 3], _HALF)],
        [("MaxPool_1a_3x3", "max", [3, 3], _HALF)],
    ]  # fmt: skip


V2_BLOCKS = [
    ("Mixed_3b", _v2(64, (64, 64), (64, 96), 32)),
    ("Mixed_3c", _v2(64, (64, 96), (64, 96), 64)),
    ("Mixed_4a", _v2_half((128, 160), (64, 96))),
    ("Mixed_4b", _v2(224, (64, 96), (96, 128), 128)),
    ("Mixed_4c", _v2(192, (96, 128), (96, 128), 128)),
    ("Mixed_4d", _v2(160, (128, 160), (128, 160), 96)),
    ("Mixed_4e", _v2(96, (128, 192), (160, 192), 96)),
    ("Mixed_5a", _v2_half((128, 192), (192, 256))),
    ("Mixed_5b", _v2(352, (192, 320), (160, 224), 128)),
    ("Mixed_5c", _v2(352, (192, 320), (192, 224), 128, pool=_POOL)),
]

# -- version 3

V3_STEM = [
    ("Conv2d_1a_3x3", 32, [3, 3], _HALF),
    ("Conv2d_2a_3x3", 32, [3, 3]),
    ("Conv2d_2b_3x3", 64, [3, 3], {"padding": "SAME"}),
    ("MaxPool_3a_3x3", "max", [3, 3], _HALF),
    ("Conv2d_3b_1x1", 80, [1, 1]),
    ("Conv2d_4a_3x3", 192, [3, 3]),
    ("MaxPool_5a_3x3", "max", [3, 3], _HALF),
]


def _five(last, scopes=("Conv2d_0a_1x1", "Conv2d_0b_5x5")):
    return [
        [_one(64)],
        [_one(48, scopes[0]), (scopes[1], 64, [5, 5])],
        [_one(64), ("Conv2d_0b_3x3", 96, [3, 3]), ("Conv2d_0c_3x3", 96, [3, 3])],
        [_MEAN, _one(last, "Conv2d_0b_1x1")],
    ]


def _six(width):
    return [
        [_one(192)],
        [_one(width), ("Conv2d_0b_1x7", width, [1, 7]), ("Conv2d_0c_7x1", 192, [7, 1])],
        [
            _one(width),
            ("Conv2d_0b_7x1", width, [7, 1]),
            ("Conv2d_0c_1x7", width, [1, 7]),
            ("Conv2d_0d_7x1", width, [7, 1]),
            ("Conv2d_0e_1x7", 192, [1, 7]),
        ],
        [_MEAN, _one(192, "Conv2d_0b_1x1")],
    ]


def _seven(tall):
    return [
        [_one(320)],
        [_one(384), [("Conv2d_0b_1x3", 384, [1, 3]), (tall, 384, [3, 1])]],
        [
            _one(448),
            ("Conv2d_0b_3x3", 384, [3, 3]),
            [("Conv2d_0c_1x3", 384, [1, 3]), ("Conv2d_0d_3x1", 384, [3, 1])],
        ],
        [_MEAN, _one(192, "Conv2d_0b_1x1")],
    ]


V3_BLOCKS = [
    ("Mixed_5b", _five(32)),
    ("Mixed_5c", _five(64, ("Conv2d_0b_1x1", "Conv_1_0c_5x5"))),
    ("Mixed_5d", _five(64)),
    (
        "Mixed_6a",
        [
            [("Conv2d_1a_1x1", 384, [3, 3], _HALF_VALID)],
            [
                _one(64),
                ("Conv2d_0b_3x3", 96, [3, 3]),
                ("Conv2d_1a_1x1", 96, [3, 3], _HALF_VALID),
            ],
            [("MaxPool_1a_3x3", "max", [3, 3], _HALF_VALID)],
        ],
    ),
    ("Mixed_6b", _six(128)),
    ("Mixed_6c", _six(160)),
    ("Mixed_6d", _six(160)),
    ("Mixed_6e", _six(192)),
    (
        "Mixed_7a",
        [
            [_one(192), ("Conv2d_1a_3x3", 320, [3, 3], _HALF_VALID)],
            [
                _one(192),
                ("Conv2d_0b_1x7", 192, [1, 7]),
                ("Conv2d_0c_7x1", 192, [7, 1]),
                ("Conv2d_1a_3x3", 192, [3, 3], _HALF_VALID),
            ],
            [("MaxPool_1a_3x3", "max", [3, 3], _HALF_VALID)],
        ],
    ),
    ("Mixed_7b", _seven("Conv2d_0b_3x1")),
    ("Mixed_7c", _seven("Conv2d_0c_3x1")),
]
