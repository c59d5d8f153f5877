import functools

from millstream.compat import util


def function(a, b=1, *c, **d):
    return a, b, c, d


class Thing:
    def method(self, a, b):
        return a, b

    def __call__(self, x, y):
        return x, y


def test_fn_args():
    assert util.fn_args(function) == ("a", "b")
    assert util.fn_args(Thing().method) == ("a", "b")
    assert util.fn_args(Thing()) == ("x", "y")
    assert util.fn_args(Thing.method) == ("self", "a", "b")
    assert util.fn_args(functools.partial(function, 1)) == ("b",)
    assert util.fn_args(functools.partial(function, b=1)) == ("a",)


def test_has_kwargs():
    assert util.has_kwargs(function)
    assert not util.has_kwargs(Thing().method)


def test_getargspec():
    assert util.getargspec(function) == (["a", "b"], "c", "d", (1,))


def test_decorators():
    wrapper = util.make_decorator(function, lambda *args: args)
    assert wrapper.__name__ == "function"
    assert util.unwrap(wrapper) == ([wrapper], function)
    assert util.tf_export("x.y")(function) is function
    assert util.get_func_name(functools.partial(function, 1)) == "function"
    assert util.get_func_name(Thing()) == "Thing"
