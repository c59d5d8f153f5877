#!/usr/bin/env bash
# Makes .venv and installs Millstream into it, with the extras named on the command line.
#
#   tools/setup.sh [EXTRAS]        EXTRAS: demo (the default), dev, docs, cuda; several with commas
#   PYTHON=/path/to/python3.13 tools/setup.sh dev
#
# Needs Python 3.12 or newer. It looks at $PYTHON, python3.13, python3.12, python3, and pyenv's
# versions; when none will do it has `uv` fetch one. A second call returns at once.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

extras=${1:-demo}
venv=.venv
stamp="$venv/.installed-${extras//,/-}"

say() { echo "setup: $*" >&2; }
fail() {
    printf 'setup: %s\n' "$@" >&2
    exit 1
}

# A usable interpreter runs, is new enough, and can make virtual environments with pip in them.
usable() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(not (3, 12) <= sys.version_info[:2])' \
        >/dev/null 2>&1
}

candidates() {
    if [ -n "${PYTHON:-}" ]; then
        echo "$PYTHON"
        return
    fi
    printf '%s\n' python3.13 python3.12 python3.14 python3 python
    local root
    for root in "${PYENV_ROOT:-}" "$HOME/.pyenv"; do
        if [ -n "$root" ]; then
            printf '%s\n' "$root"/versions/3.1[2-9]*/bin/python3 | sort --version-sort --reverse
        fi
    done
}

find_python() {
    local candidate
    while read -r candidate; do
        if usable "$candidate"; then
            echo "$candidate"
            return 0
        fi
    done < <(candidates)
    return 1
}

find_uv() {
    if command -v uv >/dev/null; then
        command -v uv
        return 0
    fi
    local python
    for python in python3 python; do
        if "$python" -m pip --version >/dev/null 2>&1; then
            say "no Python >= 3.12 found: installing uv, to fetch one"
            "$python" -m pip install --quiet --target .setup/uv uv >&2 || continue
            echo .setup/uv/bin/uv
            return 0
        fi
    done
    return 1
}

no_python() {
    fail "Millstream needs Python 3.12 or newer, and none was found or could be fetched." \
        "Install one (Debian: apt install python3 python3-venv; macOS: brew install python@3.13;" \
        "anywhere: https://docs.astral.sh/uv), or say where it is:" \
        "    make PYTHON=/path/to/python3.13 demo"
}

make_venv() {
    if usable "$venv/bin/python"; then
        return
    fi
    rm -rf "$venv"
    local python uv
    if python=$(find_python); then
        say "making $venv with $("$python" --version) ($python)"
        "$python" -m venv "$venv"
    elif [ -n "${PYTHON:-}" ]; then
        fail "PYTHON=$PYTHON is not a Python >= 3.12 that can make virtual environments."
    elif uv=$(find_uv); then
        "$uv" venv --seed --python 3.13 "$venv" || no_python
    else
        no_python
    fi
}

if [ -e "$stamp" ] && [ "$stamp" -nt pyproject.toml ]; then
    exit 0
fi
make_venv
say "installing Millstream with the extras [$extras]; the first time takes a minute or two"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --editable ".[$extras]" ||
    fail "pip could not install Millstream: see the message above."
touch "$stamp"
say "ready: $venv/bin/millstream"
