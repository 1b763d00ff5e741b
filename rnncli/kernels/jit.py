"""The one jit decorator of the project.

`contract`, `nsz` and `arcp` let the compiler fuse a·b+c and vectorise, yet give the same bits for AVX2 and AVX-512
and keep NaN alive; full `fastmath` would delete NaN checks and reorder sums. `error_model="numpy"` drops the
division-by-zero branch that stops vectorisation. `nogil` lets the shards of a batch run on threads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rnncli.kernels.cache import place
from rnncli.kernels.compiler import CFunc, binding, numba
from rnncli.kernels.kept import KernelCache

FASTMATH = {"contract", "nsz", "arcp"}
FLAGS: dict[str, Any] = {
    "nogil": True,
    "fastmath": FASTMATH,
    "error_model": "numpy",
}


def jit(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile `function` on its first call for each combination of argument types."""
    compiled: Callable[..., Any] = numba.njit(**FLAGS)(function)
    return _kept(compiled, function)


def publish(symbol: str, signature: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that compiles a function of C types at once and names it `symbol` for compiled code to call.

    numba copies the functions that a kernel calls into that kernel and compiles them again there; a large function
    is better called by its symbol.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        if not enabled():
            return function

        options = {name: FLAGS[name] for name in ("fastmath", "error_model")} | {"nopython": True}
        compiled = _kept(CFunc(function, (signature.args, signature.return_type), {}, options), function)
        compiled.compile()
        binding.add_symbol(symbol, compiled.address)
        return function

    return decorate


def _kept(compiled: Any, function: Callable[..., Any]) -> Any:
    """Let what is compiled of this function be found by the next process, where that is possible."""
    if enabled() and not place().refusal:
        compiled._cache = KernelCache(function)
    return compiled


def enabled() -> bool:
    """False when NUMBA_DISABLE_JIT asks for plain Python (coverage, debugging)."""
    return not numba.config.DISABLE_JIT


def vector_lanes() -> int:
    """Return how many float32 a vector register of the target CPU holds; 0 if it lacks both AVX2 with FMA and NEON."""
    named = numba.config.CPU_FEATURES
    if named is None and numba.config.CPU_NAME is None:
        features = {name for name, present in binding.get_host_cpu_features().items() if present}
    else:
        features = {part[1:] for part in (named or "").split(",") if part.startswith("+")}
    if {"avx512f", "fma"} <= features:
        return 16
    if {"avx2", "fma"} <= features:
        return 8
    return 4 if "neon" in features else 0
