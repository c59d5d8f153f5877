"""Where the programs that are timed are kept, by name; read by Python 3.7 too."""

CASES = {}


def case(function):
    """Adds a function to the cases, under its name."""
    CASES[function.__name__] = function
    return function


def session(tf):
    """Returns a session whose variables are initialised."""
    sess = tf.Session()
    sess.run(tf.global_variables_initializer())
    return sess
