"""What this machine can do at most: multiply-adds that never leave the registers."""

from __future__ import annotations

import ctypes
import time
from concurrent.futures import ThreadPoolExecutor

from llvmlite import binding, ir

from rnncli.kernels.vector_code import BFLOAT, HAS_BFLOAT, LANES

ACCUMULATORS = 12  # more than latency × units of any CPU; with both factors they fit the 16 registers of AVX2
STEPS = 10_000_000  # some 15 ms: a core that was idle has reached its clock long before the best round
ROUNDS = 10


def peak_gflops(threads: int, precision: str = "float32") -> float:
    """The best of ten rounds, on `threads` cores at once, in 10⁹ operations on float32 or bfloat16 a second.

    A CPU without an instruction for bfloat16 does as many on it as on float32.
    """
    in_pairs = precision == "bfloat16" and HAS_BFLOAT
    engine, function = _compiled(in_pairs)
    call = ctypes.CFUNCTYPE(ctypes.c_float, ctypes.c_int64)(engine.get_function_address(function))  # drops the GIL
    best = 0.0
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(ROUNDS):
            began = time.perf_counter()
            list(pool.map(call, [STEPS] * threads))
            seconds = time.perf_counter() - began
            operations = threads * STEPS * ACCUMULATORS * (LANES or 1) * (4 if in_pairs else 2)
            best = max(best, operations / seconds / 1e9)
    return best


def _compiled(in_pairs: bool) -> tuple[binding.ExecutionEngine, str]:
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    module = ir.Module("peak")
    lanes = LANES or 1
    vector, count = ir.VectorType(ir.FloatType(), lanes), ir.IntType(64)
    fma = ir.Function(module, ir.FunctionType(vector, [vector] * 3), f"llvm.fma.v{lanes}f32")
    function = ir.Function(module, ir.FunctionType(ir.FloatType(), [count]), "peak")
    entry, loop, done = (function.append_basic_block(name) for name in ("entry", "loop", "done"))
    builder = ir.IRBuilder(entry)
    builder.branch(loop)
    builder.position_at_end(loop)
    step = builder.phi(count)
    step.add_incoming(ir.Constant(count, 0), entry)
    left, right = (ir.Constant(vector, [value] * lanes) for value in (0.999, 0.001))
    sums = [builder.phi(vector) for _ in range(ACCUMULATORS)]
    if in_pairs:
        halves = ir.VectorType(BFLOAT, 2 * lanes)
        dot = ir.Function(module, ir.FunctionType(vector, [vector, halves, halves]), "llvm.x86.avx512bf16.dpbf16ps.512")
        a, b = (builder.bitcast(one, halves) for one in (left, right))
        updated = [builder.call(dot, [total, a, b]) for total in sums]
    else:
        updated = [builder.call(fma, [left, right, total]) for total in sums]
    for number, total in enumerate(sums):
        total.add_incoming(ir.Constant(vector, [float(number)] * lanes), entry)
        total.add_incoming(updated[number], loop)
    following = builder.add(step, ir.Constant(count, 1))
    step.add_incoming(following, loop)
    builder.cbranch(builder.icmp_signed("<", following, function.args[0]), loop, done)
    builder.position_at_end(done)
    total = updated[0]
    for other in updated[1:]:
        total = builder.fadd(total, other)
    builder.ret(builder.extract_element(total, ir.Constant(ir.IntType(32), 0)))
    target = binding.Target.from_default_triple()
    machine = target.create_target_machine(
        cpu=binding.get_host_cpu_name(), features=binding.get_host_cpu_features().flatten(), opt=3
    )
    parsed = binding.parse_assembly(str(module))
    engine = binding.create_mcjit_compiler(parsed, machine)
    engine.finalize_object()
    return engine, "peak"
