"""Records images that TF 1.15 encodes and what it decodes them to.

python tests/golden/image_codecs.py
"""

import os
import struct

import numpy as np


def picture():
    y, x = np.mgrid[:19, :23]
    pixels = np.stack([(x * 11) % 256, (y * 13) % 256, (x * y * 3) % 256, 255 - x * y % 200], -1)
    return pixels.astype(np.uint8)


def bmp(pixels):
    height, width, depth = pixels.shape
    rows = b"".join(
        row[:, [2, 1, 0]].tobytes().ljust((width * depth + 3) // 4 * 4, b"\0")
        for row in pixels[::-1]
    )
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, depth * 8, 0, len(rows), 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(rows), 0, 0, 54) + head + rows


# name of the file, what decodes it
CALLS = [
    *[("jpeg%d" % q, "decode_jpeg(data, channels=%d)" % c) for q in (40, 95) for c in (0, 1, 3)],
    *[("jpeg95", "decode_jpeg(data, ratio=%d)" % ratio) for ratio in (2, 4, 8)],
    ("jpeg40", "decode_jpeg(data, fancy_upscaling=False)"),
    ("jpeg40", "decode_jpeg(data, dct_method='INTEGER_ACCURATE')"),
    ("progressive", "decode_jpeg(data)"),
    ("grey", "decode_jpeg(data)"),
    ("grey", "decode_jpeg(data, channels=3)"),
    ("jpeg95", "extract_jpeg_shape(data)"),
    ("png4", "decode_jpeg(data, channels=3)"),
    *[
        ("png%d" % n, "decode_png(data, channels=%d)" % c)
        for n in (1, 2, 3, 4)
        for c in (0, 1, 3, 4)
    ],
    *[("deep%d" % n, "decode_png(data, dtype=tf.uint16)") for n in (1, 2, 3, 4)],
    ("deep3", "decode_png(data)"),
    ("deep4", "decode_png(data, channels=1, dtype=tf.uint16)"),
    ("png3", "decode_png(data, dtype=tf.uint16)"),
    ("bmp", "decode_bmp(data)"),
    ("jpeg95", "decode_gif(data)"),
    ("bmp", "decode_image(data)"),
    ("png3", "decode_image(data, dtype=tf.float32)"),
    ("jpeg40", "decode_image(data, dtype=tf.uint16)"),
    ("jpeg40", "decode_image(data, channels=1, dtype=tf.float64)"),
]


def files(tf, session):
    rgba = picture()
    deep = rgba.astype(np.uint16) * 251 + 3
    tensors = {
        "jpeg40": tf.image.encode_jpeg(rgba[..., :3], quality=40),
        "jpeg95": tf.image.encode_jpeg(rgba[..., :3], chroma_downsampling=False),
        "progressive": tf.image.encode_jpeg(rgba[..., :3], progressive=True, density_unit="cm"),
        "grey": tf.image.encode_jpeg(rgba[..., :1]),
    }
    for n in (1, 2, 3, 4):
        tensors["png%d" % n] = tf.image.encode_png(rgba[..., :n])
        tensors["deep%d" % n] = tf.image.encode_png(tf.constant(deep[..., :n]))
    found = session.run(tensors)
    found["bmp"] = bmp(rgba[..., :3])
    return found


def main():
    import tensorflow as tf

    with tf.Session() as session:
        data = files(tf, session)
        record = {"file/" + name: np.frombuffer(value, np.uint8) for name, value in data.items()}
        for name, call in CALLS:
            image = eval("tf.image." + call, {"tf": tf, "data": data[name]})
            record["%s/%s" % (name, call)] = session.run(image)
    np.savez_compressed(os.path.splitext(os.path.abspath(__file__))[0] + ".npz", **record)


if __name__ == "__main__":
    main()
