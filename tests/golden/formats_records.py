"""Writes record files: `python formats_records.py` under TF 1.15."""

import os
import shutil
import warnings

warnings.filterwarnings("ignore")

import tensorflow as tf  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "formats_records")
RECORDS = [b"abc", b"", bytes(bytearray(range(256))) * 5, b"x" * 3000]


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(OUT)
    for name in ("", "ZLIB", "GZIP"):
        path = os.path.join(OUT, "records%s.tfrecord" % name.lower())
        with tf.python_io.TFRecordWriter(path, tf.python_io.TFRecordOptions(name)) as writer:
            for record in RECORDS:
                writer.write(record)
    writer = tf.summary.FileWriter(OUT, filename_suffix=".golden")
    writer.add_summary(
        tf.Summary(value=[tf.Summary.Value(tag="loss", simple_value=0.25)]), global_step=3
    )
    writer.add_session_log(tf.SessionLog(status=tf.SessionLog.START), global_step=4)
    writer.close()
    for name in os.listdir(OUT):
        if "tfevents" in name:
            # Without the time and the machine's name.
            os.rename(os.path.join(OUT, name), os.path.join(OUT, "events.out.tfevents"))


if __name__ == "__main__":
    main()
