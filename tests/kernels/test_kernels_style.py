"""The kernel layer's house rules, read from the source: one decorator, one flag set, no library in the arithmetic."""

import ast
import re
import sys
from pathlib import Path

import pytest

import rnncli
from rnncli.kernels.jit import FLAGS

ROOT = Path(rnncli.__file__).parent
EVERYWHERE = sorted(ROOT.rglob("*.py"))
KERNELS = sorted((ROOT / "kernels").rglob("*.py"))


def relative(path):
    return str(path.relative_to(ROOT))


def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def dotted(node):
    """`np.linalg.qr` of a chain of attributes, else its last name."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def names(tree):
    """(line, every dotted name that is read, and every name that is imported)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            yield node.lineno, dotted(node)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            module = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            yield from ((node.lineno, module + alias.name) for alias in node.names)


def jitted_functions(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and any(dotted(d) == "jit" for d in node.decorator_list):
            yield node


def second_decorators(tree):
    compiles = {"njit", "prange", "numba.jit", "vectorize", "guvectorize", "generated_jit", "cfunc", "stencil"}
    found = [(line, n) for line, n in names(tree) if n in compiles or n.rpartition(".")[2] in compiles - {"numba.jit"}]
    return found + [
        (node.value.lineno, node.arg)
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword) and node.arg == "parallel"
    ]


def library_products(tree):
    products = {"dot", "matmul", "vdot", "inner", "einsum", "tensordot", "linalg"}
    found = [(line, n) for line, n in names(tree) if n.startswith(("np.", "numpy.")) and set(n.split(".")) & products]
    return found + [
        (node.lineno, "@")
        for node in ast.walk(tree)
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.MatMult)
    ]


def library_mathematics(tree):
    functions = {"exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "tanh", "sin", "cos", "pow", "power"}
    return [
        (line, n)
        for line, n in names(tree)
        if n.split(".")[0] in {"np", "numpy", "math"} and n.rpartition(".")[2] in functions
    ]


def foreign_imports(tree):
    allowed, ours = (
        {"numpy", "numba", "llvmlite", *sys.stdlib_module_names},
        {"rnncli.kernels", "rnncli.registry", "rnncli.notes"},
    )
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [f"{'.' * node.level}{node.module or ''}"]
        else:
            continue
        found += [
            (node.lineno, m)
            for m in modules
            if m.split(".")[0] not in allowed and m not in ours and not m.startswith("rnncli.kernels.")
        ]
    return found


def loud_kernels(tree):
    """Jitted functions that raise, assert, catch, print or have defaults."""
    found = []
    for function in jitted_functions(tree):
        if function.args.defaults or function.args.kw_defaults:
            found.append((function.lineno, "default"))
        loud = (node for node in ast.walk(function) if isinstance(node, ast.Raise | ast.Assert | ast.Try))
        found += [(node.lineno, type(node).__name__) for node in loud]
    return found + [(line, n) for line, n in names(tree) if n == "print"]


@pytest.mark.parametrize("path", [p for p in EVERYWHERE if p.name != "jit.py"], ids=relative)
def test_only_the_jit_module_compiles(path):
    assert not second_decorators(parsed(path))


@pytest.mark.parametrize("path", KERNELS, ids=relative)
def test_kernels_are_quiet_and_stand_on_numpy_and_numba_alone(path):
    tree = parsed(path)
    assert not library_products(tree)
    assert not foreign_imports(tree)
    assert not loud_kernels(tree)
    if path.name != "elementary.py":
        assert not library_mathematics(tree)


def test_every_kernel_file_with_loops_is_seen_by_these_rules():
    jitted = {path.name for path in KERNELS if any(jitted_functions(parsed(path)))}
    assert {"gemm.py", "rnn.py", "gru.py", "lstm.py", "losses.py", "optimizers.py", "sampling.py"} <= jitted


def test_the_flags_keep_nan_and_the_order_of_sums():
    assert FLAGS["fastmath"] == {"contract", "nsz", "arcp"}  # never nnan, ninf, reassoc, afn
    assert FLAGS["error_model"] == "numpy"
    assert FLAGS["nogil"] is True
    assert not FLAGS.get("parallel")


@pytest.mark.parametrize(
    ("rule", "planted"),
    [
        (second_decorators, "from numba import njit"),
        (second_decorators, "import numba as nb\n@nb.njit\ndef f(): pass"),
        (second_decorators, "import numba\n@numba.jit(nopython=True)\ndef f(): pass"),
        (second_decorators, "@jit(parallel=True)\ndef f(): pass"),
        (second_decorators, "for i in numba.prange(3): pass"),
        (library_products, "c = np.dot(a, b)"),
        (library_products, "q = np.linalg.qr(a)"),
        (library_products, "c = a @ b"),
        (library_products, "c @= b"),
        (library_mathematics, "y = np.exp(x)"),
        (library_mathematics, "from math import log"),
        (foreign_imports, "import scipy.special"),
        (foreign_imports, "from rnncli.nn import network"),
        (foreign_imports, "from .. import models"),
        (loud_kernels, "@jit\ndef f(x):\n    if x: raise ValueError"),
        (loud_kernels, "@jit\ndef f(x=1): pass"),
        (loud_kernels, "print(1)"),
    ],
)
def test_each_rule_sees_what_it_forbids(rule, planted):
    assert rule(ast.parse(planted))


def test_numba_is_imported_in_one_place_which_is_safe_from_files_of_the_current_folder():
    direct = re.compile(r"^\s*(?:import|from) (?:numba|llvmlite)\b", re.M)
    found = {relative(path) for path in EVERYWHERE if direct.search(path.read_text(encoding="utf-8"))}
    assert found == {"kernels/cache.py", "kernels/compiler.py"}
