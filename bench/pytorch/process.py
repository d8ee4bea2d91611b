"""PyTorch's side of bench/pytorch.ts: a network with given parameters and one batch, trained in eager
mode with fused AdamW. Reads numbers of steps, a line each, and answers each with what they took.

python process.py FOLDER MODEL THREADS LEARNING_RATE [HEADS]
"""
import json
import os
import sys
import time

import numpy
import torch
from torch import nn
from torch.nn import functional as F

folder, model, threads, rate = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
torch.set_num_threads(threads)


def load(name):
    with open(os.path.join(folder, "tensors.json")) as file:
        index = json.load(file)[name]
    kind = numpy.dtype(index["type"])
    count = int(numpy.prod(index["dims"], dtype=numpy.int64))
    with open(os.path.join(folder, "tensors.bin"), "rb") as file:
        values = numpy.fromfile(file, kind, count, offset=index["offset"])
    return torch.from_numpy(values.reshape(index["dims"]))


def given(layer, weight, bias, turned=True):
    """A layer with the parameters of the file; products of matrices there have inputs first."""
    with torch.no_grad():
        layer.weight.copy_(load(weight).T if turned else load(weight))
        layer.bias.copy_(load(bias))
    return layer


def dense(name):
    inputs, outputs = load(f"{name}.w").shape
    return given(nn.Linear(inputs, outputs), f"{name}.w", f"{name}.b")


def norm(name):
    scale = load(f"{name}.scale")
    return given(nn.LayerNorm(scale.shape[0]), f"{name}.scale", f"{name}.bias", turned=False)


def convolution(name):
    outputs, inputs, *kernel = load(f"{name}.w").shape
    layer = nn.Conv2d(inputs, outputs, kernel, padding=2)
    return given(layer, f"{name}.w", f"{name}.b", turned=False)


class Block(nn.Module):
    def __init__(self, name, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = norm(f"{name}.norm1"), norm(f"{name}.norm2")
        for part in ("q", "k", "v", "out", "up", "down"):
            setattr(self, part, dense(f"{name}.{part}"))

    def forward(self, h):
        x = self.norm1(h)
        split = lambda y: y.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        q, k, v = split(self.q(x)), split(self.k(x)), split(self.v(x))
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        h = h + self.out(mixed)
        return h + self.down(F.gelu(self.up(self.norm2(h))))


def network():
    if model == "mlp":
        first, last = (given(nn.Linear(*load(f"w{k}").shape), f"w{k}", f"b{k}") for k in (1, 2))
        return nn.Sequential(first, nn.ReLU(), last), F.cross_entropy
    if model == "cnn":
        layers = [[convolution(f"conv{k}"), nn.ReLU(), nn.MaxPool2d(2)] for k in (1, 2)]
        return nn.Sequential(*layers[0], *layers[1], nn.Flatten(), dense("dense")), F.cross_entropy
    layers, heads = int(sys.argv[5]), int(sys.argv[6])
    blocks = [Block(f"block{k}", heads) for k in range(layers)]
    return nn.Sequential(*blocks, norm("norm")), F.mse_loss


net, loss_of = network()
optimizer = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=0.01, fused=True)
x, labels = load("x"), load("labels")


def step():
    optimizer.zero_grad()
    loss = loss_of(net(x), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


print(json.dumps({"pytorch": torch.__version__, "threads": torch.get_num_threads()}), flush=True)
for line in sys.stdin:
    losses = []
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(int(line)):
        losses.append(step())
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    print(json.dumps({"cpu_ms": cpu * 1e3, "wall_ms": wall * 1e3, "loss": losses[-1]}), flush=True)
