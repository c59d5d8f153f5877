"""Plain TF 1.x programs whose graphs are compared node by node with those that TF 1.15 builds.

Each program is a function of the module `tf`; the file is read by Python 3.7 too.
"""

import numpy as np

PROGRAMS = {}


def program(function):
    """Adds a function to the programs, under its name."""
    PROGRAMS[function.__name__] = function
    return function


@program
def linear_regression(tf):
    """Fits a line by gradient descent."""
    x, y = tf.placeholder("float"), tf.placeholder("float")
    w = tf.Variable(0.5, name="weight")
    b = tf.Variable(-0.2, name="bias")
    prediction = tf.add(tf.multiply(x, w), b)
    cost = tf.reduce_sum(tf.pow(prediction - y, 2)) / (2 * 17)
    tf.train.GradientDescentOptimizer(0.01).minimize(cost)
    tf.global_variables_initializer()


@program
def logistic_regression(tf):
    """Classifies by one softmax layer."""
    x = tf.placeholder(tf.float32, [None, 784])
    y = tf.placeholder(tf.float32, [None, 10])
    w = tf.Variable(tf.zeros([784, 10]))
    b = tf.Variable(tf.zeros([10]))
    prediction = tf.nn.softmax(tf.matmul(x, w) + b)
    cost = tf.reduce_mean(-tf.reduce_sum(y * tf.log(prediction), reduction_indices=1))
    tf.train.GradientDescentOptimizer(0.01).minimize(cost)
    correct = tf.equal(tf.argmax(prediction, 1), tf.argmax(y, 1))
    tf.reduce_mean(tf.cast(correct, tf.float32))
    tf.global_variables_initializer()


@program
def nearest_neighbour(tf):
    """Finds the nearest training image by L1 distance."""
    train = tf.placeholder("float", [None, 784])
    test = tf.placeholder("float", [784])
    distance = tf.reduce_sum(tf.abs(tf.add(train, tf.negative(test))), reduction_indices=1)
    tf.arg_min(distance, 0)


@program
def k_means(tf):
    """Moves centroids to the means of the points nearest to them."""
    points = tf.constant(np.random.RandomState(0).uniform(0, 10, (50, 2)))
    centroids = tf.Variable(tf.slice(tf.random_shuffle(points), [0, 0], [3, -1]))
    distances = tf.reduce_sum(
        tf.square(tf.subtract(tf.expand_dims(points, 0), tf.expand_dims(centroids, 1))), 2
    )
    nearest = tf.argmin(distances, 0)
    means = []
    for i in range(3):
        chosen = tf.gather(points, tf.reshape(tf.where(tf.equal(nearest, i)), [1, -1]))
        means.append(tf.reduce_mean(chosen, reduction_indices=[1]))
    tf.assign(centroids, tf.concat(means, 0))


@program
def perceptron(tf):
    """Classifies by two hidden layers, trained by Adam, with named scopes and summaries."""
    tf.set_random_seed(1)
    x = tf.placeholder(tf.float32, [None, 784], name="x")
    y = tf.placeholder(tf.float32, [None, 10], name="y")
    h = x
    for i, (n_in, n_out) in enumerate([(784, 256), (256, 256), (256, 10)]):
        with tf.name_scope("layer%d" % i):
            w = tf.Variable(tf.random_normal([n_in, n_out]), name="w")
            b = tf.Variable(tf.random_normal([n_out]), name="b")
            h = tf.add(tf.matmul(h, w), b)
            if i < 2:
                h = tf.nn.relu(h)
            tf.summary.histogram("weights", w)
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits=h, labels=y))
    tf.summary.scalar("loss", loss)
    tf.train.AdamOptimizer(0.001).minimize(loss)
    tf.summary.merge_all()
    tf.global_variables_initializer()
    tf.train.Saver()


@program
def autoencoder(tf):
    """Squeezes images through a narrow layer, trained by RMSProp."""
    x = tf.placeholder("float", [None, 784])
    sizes = [784, 256, 128, 256, 784]
    h = x
    for layer in range(len(sizes) - 1):
        n_in, n_out = sizes[layer], sizes[layer + 1]
        w = tf.Variable(tf.truncated_normal([n_in, n_out], stddev=0.1))
        h = tf.nn.sigmoid(tf.add(tf.matmul(h, w), tf.Variable(tf.zeros([n_out]))))
    loss = tf.reduce_mean(tf.pow(x - h, 2))
    tf.train.RMSPropOptimizer(0.01, momentum=0.5).minimize(loss)
    tf.global_variables_initializer()


def convnet_logits(tf, x, keep):
    """Returns the logits of the two-convolution MNIST network."""

    def weight(shape):
        return tf.Variable(tf.truncated_normal(shape, stddev=0.1))

    def bias(shape):
        return tf.Variable(tf.constant(0.1, shape=shape))

    h = tf.reshape(x, [-1, 28, 28, 1])
    for depth_in, depth in ((1, 32), (32, 64)):
        w, b = weight([5, 5, depth_in, depth]), bias([depth])
        h = tf.nn.relu(tf.nn.conv2d(h, w, strides=[1, 1, 1, 1], padding="SAME") + b)
        h = tf.nn.max_pool(h, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")
    w, b = weight([7 * 7 * 64, 1024]), bias([1024])
    h = tf.nn.relu(tf.matmul(tf.reshape(h, [-1, 7 * 7 * 64]), w) + b)
    h = tf.nn.dropout(h, keep)
    w, b = weight([1024, 10]), bias([10])
    return tf.matmul(h, w) + b


@program
def convnet(tf):
    """Classifies digits by two convolutions and dropout, trained by Adam."""
    tf.set_random_seed(1)
    x = tf.placeholder(tf.float32, [None, 784], name="x")
    y = tf.placeholder(tf.float32, [None, 10], name="y")
    keep = tf.placeholder(tf.float32, name="keep")
    logits = convnet_logits(tf, x, keep)
    loss = tf.reduce_mean(
        tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=logits), name="loss"
    )
    tf.train.AdamOptimizer(1e-4).minimize(loss, name="train")
    correct = tf.equal(tf.argmax(logits, 1), tf.argmax(y, 1))
    tf.reduce_mean(tf.cast(correct, tf.float32))
    tf.global_variables_initializer()


@program
def word2vec(tf):
    """Learns word vectors by noise-contrastive estimation."""
    inputs = tf.placeholder(tf.int32, shape=[16])
    labels = tf.placeholder(tf.int32, shape=[16, 1])
    table = tf.Variable(tf.random_uniform([100, 8], -1.0, 1.0))
    embedded = tf.nn.embedding_lookup(table, inputs)
    weights = tf.Variable(tf.truncated_normal([100, 8], stddev=1.0 / np.sqrt(8)))
    biases = tf.Variable(tf.zeros([100]))
    loss = tf.reduce_mean(
        tf.nn.nce_loss(
            weights=weights,
            biases=biases,
            labels=labels,
            inputs=embedded,
            num_sampled=5,
            num_classes=100,
        )
    )
    tf.train.GradientDescentOptimizer(1.0).minimize(loss)
    norm = tf.sqrt(tf.reduce_sum(tf.square(table), 1, keep_dims=True))
    tf.matmul(tf.nn.embedding_lookup(table / norm, tf.constant([1, 2, 3])), table, transpose_b=True)


@program
def sampled_softmax(tf):
    """Learns word vectors by a sampled softmax."""
    inputs = tf.placeholder(tf.float32, shape=[16, 8])
    labels = tf.placeholder(tf.int64, shape=[16, 1])
    weights = tf.Variable(tf.truncated_normal([100, 8]), name="weights")
    biases = tf.Variable(tf.zeros([100]), name="biases")
    losses = tf.nn.sampled_softmax_loss(weights, biases, labels, inputs, 5, 100)
    tf.reduce_mean(losses)


@program
def batch_normalised(tf):
    """Normalises a layer by batch moments and keeps moving averages of them."""
    x = tf.placeholder(tf.float32, [32, 10])
    gamma = tf.get_variable("gamma", [10], initializer=tf.ones_initializer())
    beta = tf.get_variable("beta", [10], initializer=tf.zeros_initializer())
    mean, variance = tf.nn.moments(x, [0])
    averages = tf.train.ExponentialMovingAverage(0.9)
    averages.apply([mean, variance])
    tf.nn.batch_normalization(
        x, averages.average(mean), averages.average(variance), beta, gamma, 1e-3
    )


@program
def scopes_and_reuse(tf):
    """Shares variables by scopes, with regularisers, partitions and initializers."""

    def layer(x, size):
        w = tf.get_variable(
            "w",
            [x.shape[1].value, size],
            regularizer=lambda v: 0.01 * tf.nn.l2_loss(v),
            initializer=tf.random_normal_initializer(stddev=0.1),
        )
        return tf.tanh(tf.matmul(x, w))

    x = tf.placeholder(tf.float32, [4, 6])
    with tf.variable_scope("a"):
        y = layer(x, 3)
    with tf.variable_scope("a", reuse=True):
        y = y + layer(x, 3)
    with tf.variable_scope("p", partitioner=tf.fixed_size_partitioner(2)):
        parts = tf.get_variable("table", [10, 4])
    tf.nn.embedding_lookup(parts, [1, 5, 7], partition_strategy="div")
    step = tf.train.get_or_create_global_step()
    rate = tf.train.exponential_decay(0.1, step, 100, 0.96, staircase=True)
    tf.train.MomentumOptimizer(rate, 0.9).minimize(tf.reduce_sum(y), global_step=step)


@program
def resource_variables(tf):
    """Does with resource variables what the others do with refs."""
    with tf.variable_scope("r", use_resource=True):
        v = tf.get_variable("v", [3], initializer=tf.constant_initializer(2.0))
    total = tf.reduce_sum(v * v + 1.0)
    tf.train.AdagradOptimizer(0.1).minimize(total)
    v.assign_add([1.0, 1.0, 1.0])
    tf.global_variables_initializer()
    tf.train.Saver()


@program
def clipped_gradients(tf):
    """Clips gradients by their global norm and applies them."""
    w = tf.Variable(tf.ones([4, 2]), name="w")
    x = tf.placeholder(tf.float32, [None, 4])
    cost = tf.reduce_mean(tf.square(tf.matmul(x, w)))
    variables = tf.trainable_variables()
    gradients, _ = tf.clip_by_global_norm(tf.gradients(cost, variables), 5.0)
    tf.train.FtrlOptimizer(0.1).apply_gradients(zip(gradients, variables))


@program
def slicing_and_shapes(tf):
    """Cuts, joins and reshapes."""
    x = tf.placeholder(tf.float32, [None, 8], name="x")
    batch = tf.shape(x)[0]
    a, b = tf.split(x, 2, axis=1)
    joined = tf.concat([a, b], 1)
    tf.reshape(joined, tf.stack([batch, 2, -1]))
    tf.one_hot(tf.cast(x[:, 0], tf.int32), 5)
    tf.transpose(tf.expand_dims(x, 1), [2, 1, 0])
    tf.pad(x[1:, 2], [[0, 1]])
    tf.unstack(tf.ones([3, 2]))
    tf.squeeze(tf.tile(x[:, :1], [1, 1]), 1)
