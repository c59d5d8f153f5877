"""`tf.timestamp`."""

import time

import millstream as tf


def test_every_step_has_its_own_time():
    with tf.Graph().as_default(), tf.Session() as sess:
        now = tf.timestamp()
        before = time.time()
        first, second = sess.run(now), sess.run(now)
        assert before <= first <= second <= time.time()
