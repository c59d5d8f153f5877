# ruff: noqa: E501 - one expression a line
"""Records what `tf.distributions` of TF 1.15 gives: samples, densities, statistics, errors.

    python tests/golden/distributions.py

`D` is `tf.distributions`; expressions are read as in `expressions.py`.
"""

import json
import os

import expressions

DISTRIBUTIONS = """
D.Normal([0.0, -1.0], [[1.0], [2.0]])
D.Laplace([0.0, -1.0], [1.0, 2.0])
D.StudentT([3.0, 1.5, 0.7], 1.0, [1.0, 2.0, 3.0])
D.Uniform([0.0, -1.0], [1.0, 3.0])
D.Gamma([0.5, 2.0, 7.0], 3.0)
D.Exponential([0.5, 2.0])
D.Beta([0.5, 2.0, 3.0], 3.0)
D.Bernoulli(logits=[-1.0, 0.5])
D.Bernoulli(probs=[0.2, 0.9], dtype=tf.float32)
D.Categorical(logits=[[0.1, -1.0, 2.0], [0.0, 0.0, 1.0]])
D.Categorical(probs=[0.2, 0.5, 0.3], dtype=tf.int64)
D.Dirichlet([[1.5, 2.0, 3.0], [1.2, 4.0, 9.0]])
D.Multinomial([4.0, 6.0], probs=[[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]])
D.Multinomial(3.0, logits=[0.2, 0.3, -0.5])
D.DirichletMultinomial(5.0, [1.5, 2.0, 3.0])
""".strip().splitlines()

STATISTICS = """
d.mean()
d.variance()
d.stddev()
d.mode()
d.entropy()
d.batch_shape_tensor()
d.event_shape_tensor()
d.is_scalar_batch()
d.is_scalar_event()
d.covariance()
d.sample(seed=5)
d.sample(3, seed=5)
d.sample([2, 2], seed=7)
d.log_prob(d.sample([4], seed=9))
d.prob(d.sample([4], seed=9))
d.cdf(d.sample([4], seed=9))
d.log_cdf(d.sample([4], seed=9))
d.survival_function(d.sample([4], seed=9))
d.log_survival_function(d.sample([4], seed=9))
d.quantile([0.2, 0.7])
d.kl_divergence(d)
""".strip().splitlines()

UNABLE = {
    "StudentT": ("cdf", "survival"),  # its parameters do not broadcast there
    "Beta": ("cdf", "survival"),
    "Uniform": ("quantile",),
    "Dirichlet(": ("mode",),
    "Multinomial([": ("sample",),  # the rows are drawn in any order
}
"""What TF 1.15 cannot do, or not twice alike."""

OTHERS = """
D.Normal(0.0, 1.0).log_cdf([-30.0, -12.0, -9.0, -2.0, 0.0, 3.0, 8.0])
D.Normal(0.0, 1.0).cdf([-5.0, -1.0, 0.0, 2.0])
D.Normal(0.0, 1.0).quantile([0.0, 1e-6, 0.01, 0.5, 0.9, 0.999, 1.0])
D.kl_divergence(D.Normal(0.0, 1.0), D.Normal([1.0, 2.0], 2.0))
D.Normal(0.0, 1.0).cross_entropy(D.Normal(1.0, 2.0))
D.kl_divergence(D.Bernoulli(probs=0.3), D.Bernoulli(probs=[0.3, 0.6]))
D.kl_divergence(D.Categorical(probs=[0.3, 0.7]), D.Categorical(probs=[0.5, 0.5]))
D.kl_divergence(D.Gamma(2.0, 3.0), D.Gamma(3.0, [1.0, 4.0]))
D.kl_divergence(D.Beta(2.0, 3.0), D.Beta(3.0, [1.0, 4.0]))
D.kl_divergence(D.Dirichlet([2.0, 3.0]), D.Dirichlet([[1.0, 4.0], [2.0, 2.0]]))
D.kl_divergence(D.Normal(0.0, 1.0), D.Bernoulli(probs=0.3))
D.kl_divergence(D.Exponential(2.0), D.Exponential(3.0))
D.Bernoulli(probs=0.3, logits=1.0)
D.Categorical()
D.Normal(0.0, -1.0, validate_args=True).mean()
D.Uniform(3.0, 1.0, validate_args=True).mean()
D.Uniform(1.0, 3.0).range()
D.Uniform(1.0, 3.0).prob([0.0, 1.0, 2.0, 3.0, 4.0])
D.Categorical(probs=[[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]]).log_prob([[0], [2]])
D.Normal(0.0, 1.0).copy(scale=3.0).stddev()
tf.gradients(D.Normal(ph(np.float32(1)), 2.0).sample(3, seed=1), [ph(np.float32(1))])
""".strip().splitlines()


def all_expressions():
    for made in DISTRIBUTIONS:
        unable = [part for key, parts in UNABLE.items() if "D." + key in made for part in parts]
        for statistic in STATISTICS:
            if any(part in statistic for part in unable):
                continue
            yield "(lambda d: %s)(%s)" % (statistic, made.replace("D.", "tf.distributions."))
    for text in OTHERS:
        yield text.replace("D.", "tf.distributions.")


def main():
    import numpy as np
    import tensorflow as tf

    tf.compat.v1.logging.set_verbosity("ERROR")
    rows = []
    for text in all_expressions():
        entry = expressions.record(tf, np, text, False)
        rows.append("%s: %s" % (json.dumps(text), json.dumps(entry, separators=(",", ":"))))
    path = os.path.splitext(os.path.abspath(__file__))[0] + ".json"
    with open(path, "w") as f:
        f.write("{\n" + ",\n".join(rows) + "\n}\n")


if __name__ == "__main__":
    main()
