"""Steps of `Session.run`, training steps, loops and graph building that are timed; see cases.py."""

import numpy as np
from registry import case, session

# -- Session.run


@case
def run_add(tf):
    """Fetches the sum of two constants."""
    total = tf.constant(1.0) + tf.constant(2.0)
    sess = tf.Session()
    return lambda: sess.run(total)


@case
def run_add_of_variable(tf):
    """Fetches a variable plus one, which no constant folding can skip."""
    v = tf.Variable(1.0)
    total = v + 1.0
    sess = session(tf)
    return lambda: sess.run(total)


@case
def run_fed_scalar(tf):
    """Feeds a number and fetches it plus one."""
    x = tf.placeholder(tf.float32, [])
    y = x + 1.0
    sess = tf.Session()
    return lambda: sess.run(y, {x: 1.0})


@case
def run_no_output(tf):
    """Runs an op without outputs."""
    nothing = tf.no_op()
    sess = tf.Session()
    return lambda: sess.run(nothing)


@case
def update_200_variables(tf):
    """Adds to 200 variables of 10 numbers each."""
    variables = [tf.Variable(np.zeros(10, np.float32)) for _ in range(200)]
    step = tf.group(*[v.assign_add(np.ones(10, np.float32)) for v in variables])
    sess = session(tf)
    return lambda: sess.run(step)


@case
def chain_of_1000(tf):
    """Runs 1,000 scalar cosines in a row: nothing that arithmetic rewrites could merge."""
    x = tf.placeholder(tf.float32, [])
    y = x
    for _ in range(1000):
        y = tf.cos(y)
    sess = tf.Session()
    return lambda: sess.run(y, {x: 1.0})


@case
def feed_and_fetch_4mb(tf):
    """Feeds 4 MB and fetches it plus one."""
    x = tf.placeholder(tf.float32, [1024, 1024])
    y = x + 1.0
    data = np.random.RandomState(0).rand(1024, 1024).astype(np.float32)
    sess = tf.Session()
    return lambda: sess.run(y, {x: data})


# -- training


def _mlp(tf, optimizer):
    rng = np.random.RandomState(0)
    x = tf.placeholder(tf.float32, [None, 784])
    labels = tf.placeholder(tf.int64, [None])
    h = x
    for i, (n_in, n_out) in enumerate([(784, 512), (512, 512), (512, 10)]):
        w = tf.Variable(rng.normal(0, 0.05, (n_in, n_out)).astype(np.float32))
        b = tf.Variable(np.zeros(n_out, np.float32))
        h = tf.matmul(h, w) + b
        h = tf.nn.relu(h) if i < 2 else h
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=h))
    train = optimizer.minimize(loss)
    feed = {
        x: rng.rand(128, 784).astype(np.float32),
        labels: rng.randint(0, 10, 128).astype(np.int64),
    }
    sess = session(tf)
    return lambda: sess.run([train, loss], feed)


@case
def mlp_sgd(tf):
    """Trains a 784-512-512-10 perceptron, batch 128, by gradient descent."""
    return _mlp(tf, tf.train.GradientDescentOptimizer(0.01))


@case
def mlp_adam(tf):
    """Trains a 784-512-512-10 perceptron, batch 128, by Adam."""
    return _mlp(tf, tf.train.AdamOptimizer(1e-3))


@case
def convnet_adam(tf):
    """Trains the two-convolution MNIST network with dropout, batch 64, by Adam."""
    rng = np.random.RandomState(0)

    def weight(*shape):
        return tf.Variable(rng.normal(0, 0.1, shape).astype(np.float32))

    x = tf.placeholder(tf.float32, [None, 784])
    labels = tf.placeholder(tf.int64, [None])
    keep = tf.placeholder(tf.float32)
    h = tf.reshape(x, [-1, 28, 28, 1])
    for depth_in, depth in ((1, 32), (32, 64)):
        h = tf.nn.conv2d(h, weight(5, 5, depth_in, depth), [1, 1, 1, 1], "SAME")
        h = tf.nn.relu(h + tf.Variable(np.zeros(depth, np.float32)))
        h = tf.nn.max_pool(h, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
    h = tf.reshape(h, [-1, 7 * 7 * 64])
    h = tf.nn.relu(tf.matmul(h, weight(7 * 7 * 64, 1024)) + tf.Variable(np.zeros(1024, np.float32)))
    h = tf.nn.dropout(h, keep)
    logits = tf.matmul(h, weight(1024, 10)) + tf.Variable(np.zeros(10, np.float32))
    loss = tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    )
    train = tf.train.AdamOptimizer(1e-4).minimize(loss)
    feed = {
        x: rng.rand(64, 784).astype(np.float32),
        labels: rng.randint(0, 10, 64).astype(np.int64),
        keep: 0.5,
    }
    sess = session(tf)
    return lambda: sess.run([train, loss], feed)


@case
def sparse_tensor_dense_matmul(tf):
    """Multiplies a sparse 10,000 x 10,000 matrix of 200,000 elements by a dense one of 64."""
    rng = np.random.RandomState(0)
    size = 10000
    flat = np.unique(rng.randint(0, size * size, 200000))
    places = tf.Variable(np.stack(np.divmod(flat, size), 1).astype(np.int64))
    values = tf.Variable(rng.rand(len(flat)).astype(np.float32))
    dense = tf.Variable(rng.rand(size, 64).astype(np.float32))
    matrix = tf.SparseTensor(places, values, [size, size])
    product = tf.sparse_tensor_dense_matmul(matrix, dense)
    sess = session(tf)
    return lambda: sess.run(product.op)


@case
def graph_convolution(tf):
    """Trains a two-layer graph convolution, 2,708 nodes of 1,433 sparse features, by Adam."""
    rng = np.random.RandomState(0)
    nodes, features, hidden, classes = 2708, 1433, 16, 7

    def sparse(rows, columns, count):
        flat = np.unique(rng.randint(0, rows * columns, count))
        found = tf.sparse_placeholder(tf.float32)
        places = np.stack(np.divmod(flat, columns), 1).astype(np.int64)
        value = (places, rng.rand(len(flat)).astype(np.float32), np.int64([rows, columns]))
        return found, value

    x, x_value = sparse(nodes, features, 49216)
    edges, edges_value = sparse(nodes, nodes, 13264)
    labels = tf.constant(rng.randint(0, classes, nodes))
    first = tf.Variable(rng.normal(0, 0.1, (features, hidden)).astype(np.float32))
    second = tf.Variable(rng.normal(0, 0.1, (hidden, classes)).astype(np.float32))
    multiply = tf.sparse_tensor_dense_matmul
    h = tf.nn.relu(multiply(edges, multiply(x, first)))
    logits = multiply(edges, tf.matmul(h, second))
    loss = tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    )
    train = tf.train.AdamOptimizer(1e-2).minimize(loss)
    feed = {x: x_value, edges: edges_value}
    sess = session(tf)
    return lambda: sess.run([train, loss], feed)


@case
def word2vec_nce(tf):
    """Takes a step of skip-gram word2vec: NCE, vocabulary 50,000, 128 dimensions, batch 128."""
    rng = np.random.RandomState(0)
    vocabulary, size, batch = 50000, 128, 128
    inputs = tf.placeholder(tf.int32, [batch])
    labels = tf.placeholder(tf.int32, [batch, 1])
    table = tf.Variable(rng.uniform(-1, 1, (vocabulary, size)).astype(np.float32))
    weights = tf.Variable(rng.normal(0, 0.1, (vocabulary, size)).astype(np.float32))
    biases = tf.Variable(np.zeros(vocabulary, np.float32))
    embedded = tf.nn.embedding_lookup(table, inputs)
    loss = tf.reduce_mean(
        tf.nn.nce_loss(
            weights=weights,
            biases=biases,
            labels=labels,
            inputs=embedded,
            num_sampled=64,
            num_classes=vocabulary,
        )
    )
    train = tf.train.GradientDescentOptimizer(1.0).minimize(loss)
    feed = {
        inputs: rng.randint(0, vocabulary, batch).astype(np.int32),
        labels: rng.randint(0, vocabulary, (batch, 1)).astype(np.int32),
    }
    sess = session(tf)
    return lambda: sess.run([train, loss], feed)


def _rows(tf, count):
    rng = np.random.RandomState(0)
    table = tf.Variable(tf.zeros([count, 64]))
    indices = tf.placeholder(tf.int32, [1000])
    update = tf.scatter_add(table, indices, tf.ones([1000, 64]))
    feed = {indices: rng.randint(0, count, 1000).astype(np.int32)}
    sess = session(tf)
    return lambda: sess.run(update.op, feed)


@case
def rows_of_100k(tf):
    """Adds to 1,000 rows of a [100,000, 64] variable."""
    return _rows(tf, 100000)


@case
def rows_of_1m(tf):
    """Adds to 1,000 rows of a [1,000,000, 64] variable."""
    return _rows(tf, 1000000)


# -- loops


def _products(tf):
    """Multiplies by a small matrix 1,000 times, in a loop; returns what to feed and fetch."""
    x = tf.placeholder(tf.float32, [1, 32])
    w = tf.Variable(np.random.RandomState(0).randn(32, 32).astype(np.float32) * 0.1)

    def body(i, h):
        return i + 1, tf.tanh(tf.matmul(h, w) + x)

    return x, w, tf.while_loop(lambda i, h: i < 1000, body, (0, x))[1]


@case
def loop_of_1000_products(tf):
    """Runs a loop of 1,000 small matrix products."""
    x, _, h = _products(tf)
    sess = session(tf)
    return lambda: sess.run(h, {x: np.ones([1, 32], np.float32)})


@case
def gradient_of_loop_of_1000_products(tf):
    """Takes a training step through a loop of 1,000 small matrix products."""
    x, w, h = _products(tf)
    step = w.assign_sub(0.01 * tf.gradients(tf.reduce_sum(h * h), w)[0])
    sess = session(tf)
    return lambda: sess.run(step.op, {x: np.ones([1, 32], np.float32)})


# -- recurrent networks


class _Lstm:
    """`BasicLSTMCell` by hand, for TensorFlow 2, where it is gone."""

    def __init__(self, tf, units, name):
        self._tf, self._units = tf, units
        self._kernel = tf.get_variable(name + "/kernel", [2 * units, 4 * units])
        self._bias = tf.get_variable(name + "/bias", [4 * units])

    def __call__(self, x, state):
        tf, (c, h) = self._tf, state
        gates = tf.matmul(tf.concat([x, h], 1), self._kernel) + self._bias
        i, j, f, o = tf.split(gates, 4, 1)
        c = c * tf.sigmoid(f) + tf.sigmoid(i) * tf.tanh(j)
        h = tf.tanh(c) * tf.sigmoid(o)
        return h, (c, h)


def _lstm_by_hand(tf, inputs, units, steps, static):
    layers = [_Lstm(tf, units, f"layer_{i}") for i in range(2)]
    zeros = tf.zeros([20, units])
    state = [(zeros, zeros)] * 2

    def step(x, state):
        new = []
        for layer, old in zip(layers, state):
            x, kept = layer(x, old)
            new.append(kept)
        return x, new

    by_time = tf.transpose(inputs, [1, 0, 2])
    if static:
        outputs = []
        for t in range(steps):
            output, state = step(by_time[t], state)
            outputs.append(output)
        return tf.transpose(tf.stack(outputs), [1, 0, 2])
    source = tf.TensorArray(tf.float32, steps).unstack(by_time)
    target = tf.TensorArray(tf.float32, steps)

    def body(t, target, state):
        output, state = step(source.read(t), state)
        return t + 1, target.write(t, output), state

    target = tf.while_loop(lambda t, *_: t < steps, body, (0, target, state))[1]
    return tf.transpose(target.stack(), [1, 0, 2])


def _lstm_of_cells(tf, inputs, units, static):
    cells = [tf.nn.rnn_cell.BasicLSTMCell(units, forget_bias=0.0) for _ in range(2)]
    cell = tf.nn.rnn_cell.MultiRNNCell(cells)
    start = cell.zero_state(20, tf.float32)
    if not static:
        return tf.nn.dynamic_rnn(cell, inputs, initial_state=start)[0]
    outputs, _ = tf.nn.static_rnn(cell, tf.unstack(inputs, axis=1), start)
    return tf.stack(outputs, 1)


def _language_model(tf, units, steps, static):
    """Takes a step of the LSTM language model of Zaremba et al. (2014), vocabulary 10,000."""
    rng = np.random.RandomState(0)
    batch, words = 20, 10000
    x, y = (tf.placeholder(tf.int32, [batch, steps]) for _ in range(2))
    inputs = tf.nn.embedding_lookup(tf.get_variable("embedding", [words, units]), x)
    try:
        outputs = _lstm_of_cells(tf, inputs, units, static)
    except AttributeError:
        outputs = _lstm_by_hand(tf, inputs, units, steps, static)
    weights = tf.get_variable("weights", [units, words])
    logits = tf.matmul(tf.reshape(outputs, [-1, units]), weights) + tf.Variable(tf.zeros([words]))
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=tf.reshape(y, [-1]), logits=logits
    )
    loss = tf.reduce_sum(losses) / batch
    variables = tf.trainable_variables()
    gradients, _ = tf.clip_by_global_norm(tf.gradients(loss, variables), 5.0)
    train = tf.train.GradientDescentOptimizer(1.0).apply_gradients(zip(gradients, variables))
    feed = {t: rng.randint(0, words, (batch, steps)).astype(np.int32) for t in (x, y)}
    sess = session(tf)
    return lambda: sess.run([train, loss], feed)


@case
def ptb_small_dynamic(tf):
    """Takes a step of the small language model: 2 x 200 units, 20 steps, in a loop."""
    return _language_model(tf, 200, 20, False)


@case
def ptb_small_static(tf):
    """Takes a step of the small language model, unrolled."""
    return _language_model(tf, 200, 20, True)


@case
def ptb_medium_dynamic(tf):
    """Takes a step of the medium language model: 2 x 650 units, 35 steps, in a loop."""
    return _language_model(tf, 650, 35, False)


# -- building


@case
def build_10000_ops(tf):
    """Builds a graph of 10,000 ops with gradients through a chain of 2,000."""

    def build():
        with tf.Graph().as_default():
            x = tf.placeholder(tf.float32, [8])
            y = x
            for _ in range(2000):
                y = tf.tanh(y)
            tf.gradients(y, x)
            for _ in range(3000):
                tf.sqrt(y) + x

    return build
