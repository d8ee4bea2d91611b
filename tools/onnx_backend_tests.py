"""Writes the ONNX standard's backend tests as gradients to check, one folder a test.

    pip install onnx==1.23.2 numpy
    python tools/onnx_backend_tests.py FOLDER [part of a name]
    deno run -A tools/onnx_backend_tests.ts FOLDER

Taken are the tests with float inputs and outputs. To each graph the loss `sum(R_k * output_k)` with
fixed random R_k is appended; what its gradient must be comes from central differences of onnx.reference
in float64, at up to 14 elements an input, fewer where the reference is slow.
"""

import base64
import copy
import json
import pathlib
import sys
import time
import warnings
import zlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.backend.test.case.node import collect_testcases
from onnx.reference import ReferenceEvaluator

NEWEST_OPSET = 24  # that ONNX Runtime's build for Node.js loads
ELEMENTS = 14
PATIENCE = 2  # seconds for an input
FLOATS = {np.dtype(np.float16), np.dtype(np.float32), np.dtype(np.float64)}


def tests():
    """Name, model, inputs and outputs of every test."""
    for case in collect_testcases(None):
        inputs, outputs = case.data_sets[0][:2]
        yield case.name, case.model, inputs, outputs
    data = pathlib.Path(onnx.__file__).parent / "backend/test/data"
    for kind in ("simple", "pytorch-operator", "pytorch-converted"):
        for folder in sorted((data / kind).iterdir()):
            model = onnx.load(folder / "model.onnx")

            def read(prefix, values):
                found = []
                for k, value in enumerate(values):
                    path = folder / "test_data_set_0" / f"{prefix}_{k}.pb"
                    if not path.exists() or not value.type.HasField("tensor_type"):
                        return None
                    tensor = TensorProto()
                    tensor.ParseFromString(path.read_bytes())
                    found.append(numpy_helper.to_array(tensor))
                return found

            stored = {t.name for t in model.graph.initializer}
            inputs = read("input", [i for i in model.graph.input if i.name not in stored])
            yield folder.name, model, inputs, read("output", model.graph.output)


def encoded(array):
    array = np.ascontiguousarray(array)
    return {
        "dtype": str(array.dtype),
        "dims": list(array.shape),
        "base64": base64.b64encode(array.tobytes()).decode(),
    }


def with_loss(model, weights, fixed):
    model = copy.deepcopy(model)
    # Integers are shapes, axes and indices: constants, as exporters write them.
    for name, value in fixed.items():
        model.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
    kept = [i for i in model.graph.input if i.name not in fixed]
    del model.graph.input[:]
    model.graph.input.extend(kept)
    parts = []
    for name, r in weights.items():
        model.graph.initializer.append(numpy_helper.from_array(r.astype(np.float32), f"{name}/R"))
        model.graph.node.extend([
            helper.make_node("Cast", [name], [f"{name}/float"], to=TensorProto.FLOAT),
            helper.make_node("Mul", [f"{name}/float", f"{name}/R"], [f"{name}/weighted"]),
            helper.make_node("Reshape", [f"{name}/weighted", "R/flat"], [f"{name}/flat"]),
        ])
        parts.append(f"{name}/flat")
    model.graph.initializer.append(numpy_helper.from_array(np.array([-1], np.int64), "R/flat"))
    # A product with ones is a sum in every operator set.
    model.graph.node.extend([
        helper.make_node("Concat", parts, ["R/all"], axis=0),
        helper.make_node("MatMul", ["R/all", "R/ones"], ["R/loss"]),
    ])
    count = int(sum(r.size for r in weights.values()))
    model.graph.initializer.append(numpy_helper.from_array(np.ones(count, np.float32), "R/ones"))
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info("R/loss", TensorProto.FLOAT, []))
    for entry in model.opset_import:
        if entry.domain in ("", "ai.onnx"):
            entry.version = min(entry.version, NEWEST_OPSET)
    model.ir_version = min(model.ir_version, 10)
    return model


def differences(model, names, inputs, weights, wanted, random, wide):
    """Central differences of fourth order, and those to either side, between which a kink's lie.

    `wide`: in float64, whatever the graph says; else, where constants of float32 forbid that, as it is.
    """
    reference = ReferenceEvaluator(model)
    given = {
        n: a.astype(np.float64) if wide and a.dtype in FLOATS else a
        for n, a in zip(names, inputs) if n != ""
    }
    outputs = [o.name for o in model.graph.output]

    def loss(feeds):
        found = dict(zip(outputs, reference.run(None, feeds)))
        return float(sum(np.sum(np.asarray(found[n], np.float64) * r) for n, r in weights.items()))

    # The reference is plain Python: fewer elements where it takes its time.
    begun = time.perf_counter()
    middle = loss(given)
    elements = min(ELEMENTS, max(1, int(PATIENCE / (4 * (time.perf_counter() - begun)))))
    expected = {}
    h = 1e-4 if wide else 1e-2
    for name in wanted:
        flat = given[name].reshape(-1)
        chosen = np.sort(random.permutation(flat.size)[:elements])
        found = []
        for index in chosen:
            at = lambda by: loss({**given, name: moved(given[name], index, by)})
            try:
                ahead, behind = at(h), at(-h)
                slope = (8 * (ahead - behind) - (at(2 * h) - at(-2 * h))) / (12 * h)
                sides = [(middle - behind) / h, (ahead - middle) / h]
            except ValueError:
                continue  # an integer in float's clothes: another output shape
            if np.isfinite([slope, *sides]).all():  # JSON has no NaN
                found.append([int(index), slope, min(sides), max(sides)])
        expected[name] = found
    return expected


def moved(array, index, by):
    array = array.copy()
    array.reshape(-1)[index] += by
    return array


def main(folder, part=""):
    folder = pathlib.Path(folder)
    left_out = {}
    taken = 0
    for name, model, inputs, outputs in tests():
        if part not in name:
            continue

        def leave(why):
            left_out[why] = left_out.get(why, 0) + 1

        arrays = (inputs or []) + (outputs or [])
        if inputs is None or outputs is None or not all(isinstance(a, (np.ndarray, np.generic)) for a in arrays):
            leave("sequences or optionals")
            continue
        inputs, outputs = [np.asarray(a) for a in inputs], [np.asarray(a) for a in outputs]
        stored = {t.name for t in model.graph.initializer}
        names = [i.name for i in model.graph.input if i.name not in stored]
        ends = [o.name for o in model.graph.output]
        random = np.random.default_rng(zlib.crc32(name.encode()))
        weights = {
            n: random.standard_normal(a.shape) for n, a in zip(ends, outputs) if a.dtype in FLOATS
        }
        if not weights:
            leave("no float output")
            continue
        if any(a.size == 0 for a in arrays):
            leave("empty tensors")
            continue
        # Some files hold memory that nothing had been written to: numbers that swallow every difference.
        inputs = [
            random.standard_normal(a.shape).astype(a.dtype)
            if a.dtype in FLOATS and np.abs(a[np.isfinite(a)]).max(initial=0) > 1e30
            else a
            for a in inputs
        ]
        wanted = [n for n, a in zip(names, inputs) if a.dtype in FLOATS]
        if not wanted:
            leave("no float input")
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    expected = differences(model, names, inputs, weights, wanted, random, True)
                    exact = True
                except Exception:
                    expected = differences(model, names, inputs, weights, wanted, random, False)
                    exact = False
        except Exception as error:
            expected, exact = {"error": f"{type(error).__name__}: {error}"[:200]}, False
        case = folder / name
        case.mkdir(parents=True, exist_ok=True)
        fixed = {
            n: a for n, a in zip(names, inputs) if n != "" and a.dtype not in FLOATS
        }
        onnx.save(with_loss(model, weights, fixed), case / "model.onnx")
        (case / "case.json").write_text(json.dumps({
            "name": name,
            "feeds": {n: encoded(a) for n, a in zip(names, inputs)},
            "wanted": wanted,
            "exact": exact,
            "expected": expected,
        }))
        taken += 1
    print(taken, "written; left out", left_out)


if __name__ == "__main__":
    main(*sys.argv[1:])
