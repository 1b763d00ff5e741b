"""numba and llvmlite, imported safely: all other modules take them from here, and none imports them itself."""

from __future__ import annotations

from rnncli.kernels.cache import import_numba

numba = import_numba()

from llvmlite import binding, ir  # noqa: E402
from numba import types  # noqa: E402
from numba.core import cgutils  # noqa: E402
from numba.core.caching import (  # noqa: E402
    CompileResultCacheImpl,
    FunctionCache,
    IndexDataCacheFile,
    UserProvidedCacheLocator,
)
from numba.core.ccallback import CFunc  # noqa: E402
from numba.core.runtime import nrtdynmod, rtsys  # noqa: E402
from numba.extending import intrinsic, overload  # noqa: E402

__all__ = [
    "CFunc",
    "CompileResultCacheImpl",
    "FunctionCache",
    "IndexDataCacheFile",
    "UserProvidedCacheLocator",
    "binding",
    "cgutils",
    "intrinsic",
    "ir",
    "nrtdynmod",
    "numba",
    "overload",
    "rtsys",
    "types",
]
