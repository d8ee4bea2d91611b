"""Checks adapters against Hugging Face's PEFT and ONNX Runtime's Python, outside CI.

    pip install torch peft onnx onnxscript onnxruntime
    python tools/lora_peft.py make FOLDER
    deno run -A tools/lora_peft.ts FOLDER
    python tools/lora_peft.py check FOLDER

`make` writes a network of PyTorch's, exported by both exporters, and an adapter of PEFT's for it with
what it computes. The script beside this one loads that adapter, compares, trains one of its own and
saves it as PEFT and as ONNX Runtime have them. `check` loads these onto the PyTorch original and into a
session of ONNX Runtime, and compares.
"""

import json
import pathlib
import sys

import numpy as np
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import nn

VARIANTS = ("dynamo", "plain", "legacy")
TOLERANCE = 1e-5


class Block(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.up, self.down = nn.Linear(width, 3 * width), nn.Linear(3 * width, width)

    def forward(self, x):
        h = self.norm(x)
        scores = self.query(h) @ self.key(h).transpose(1, 2) / h.shape[-1] ** 0.5
        x = x + self.out(torch.softmax(scores, -1) @ self.value(h))
        return x + self.down(torch.tanh(self.up(x)))


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(23, 16)
        self.mix = nn.Conv1d(16, 16, 3, padding=1)
        self.blocks = nn.ModuleList([Block(16), Block(16)])
        self.head = nn.Linear(16, 5)

    def forward(self, ids):
        x = self.embed(ids)
        x = x + self.mix(x.transpose(1, 2)).transpose(1, 2)
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean(1))


TARGETS = ["embed", "mix", "query", "value", "up", "down"]


def original() -> nn.Module:
    torch.manual_seed(1)
    return Network().eval()


def make(folder: pathlib.Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    net = original()
    ids = torch.randint(0, 23, (4, 9))
    batch, length = torch.export.Dim("batch"), torch.export.Dim("length")
    for variant in VARIANTS:
        path = str(folder / f"{variant}.onnx")
        names = {"input_names": ["ids"], "output_names": ["logits"]}
        if variant == "legacy":
            axes = {"ids": {0: "batch", 1: "length"}, "logits": {0: "batch"}}
            torch.onnx.export(net, (ids,), path, dynamo=False, dynamic_axes=axes, **names)
        else:
            shapes = ({0: batch, 1: length},)
            torch.onnx.export(
                net, (ids,), path, dynamo=True, optimize=variant == "dynamo", external_data=False,
                dynamic_shapes=shapes, **names,
            )
    config = LoraConfig(r=4, lora_alpha=12, target_modules=TARGETS)
    adapted = get_peft_model(original(), config).eval()
    for name, parameter in adapted.named_parameters():
        if "lora_" in name:
            nn.init.normal_(parameter, std=0.2)
    adapted.save_pretrained(folder / "theirs")
    with torch.no_grad():
        result = {
            "ids": ids.tolist(),
            "plain": net(ids).flatten().tolist(),
            "adapted": adapted(ids).flatten().tolist(),
        }
    (folder / "expected.json").write_text(json.dumps(result))


def check(folder: pathlib.Path) -> bool:
    import onnxruntime

    ids = torch.tensor(json.loads((folder / "expected.json").read_text())["ids"])
    right = True

    def compare(what: str, actual, expected) -> None:
        nonlocal right
        actual, expected = np.ravel(actual), np.ravel(expected)
        error = float(np.abs(actual - expected).max() / np.abs(expected).max())
        right &= error <= TOLERANCE
        print(f"{what}: {error:.1e} {'' if error <= TOLERANCE else 'WRONG'}")

    for variant in VARIANTS:
        own = folder / "ours" / variant
        expected = json.loads((own / "logits.json").read_text())
        model = PeftModel.from_pretrained(original(), own).eval()
        with torch.no_grad():
            compare(f"{variant}: PEFT with our adapter", model(ids).numpy(), expected)
            compare(f"{variant}: merged by PEFT", model.merge_and_unload()(ids).numpy(), expected)
        file = str(own / "adapter.onnx_adapter")
        found = onnxruntime.AdapterFormat.read_adapter(file).get_parameters()
        print(f"{variant}: ONNX Runtime reads {len(found)} parameters")
        adapter = onnxruntime.LoraAdapter()
        adapter.Load(file)
        options = onnxruntime.RunOptions()
        options.add_active_adapter(adapter)
        quiet = onnxruntime.SessionOptions()
        quiet.log_severity_level = 3
        session = onnxruntime.InferenceSession(str(own / "inputs.onnx"), quiet)
        feeds = {"ids": ids.numpy()}
        plain = json.loads((folder / "expected.json").read_text())["plain"]
        compare(f"{variant}: ONNX Runtime without the adapter", session.run(None, feeds)[0], plain)
        compare(f"{variant}: ONNX Runtime with it", session.run(None, feeds, options)[0], expected)
    return right


if __name__ == "__main__":
    action, where = sys.argv[1], pathlib.Path(sys.argv[2])
    if action == "make":
        make(where)
    else:
        sys.exit(0 if check(where) else 1)
