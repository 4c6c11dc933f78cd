"""Linear layers for a CPU, with weights in the layout that oneDNN multiplies by.

PyTorch hands a float32 layer to a BLAS that arranges the weights anew at each call. For one short text that takes
as long as the multiplication. Vectors change by rounding only (about 1e-6).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

_ROWS = 16
"""For how many rows, the tokens of a short text, oneDNN chooses the layout; more are multiplied as well."""


class PackedLinear(nn.Module):
    """What `linear` computes, without its `weight`: the packed copy takes its place. Inference only."""

    packed: Tensor

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        packed = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach(), _ROWS)
        self.register_buffer("packed", packed, persistent=False)
        self.bias = linear.bias

    def forward(self, rows: Tensor) -> Tensor:
        """Map float32 rows of shape [..., in_features] to [..., out_features]."""
        result: Tensor = torch.ops.mkldnn._linear_pointwise(rows, self.packed, self.bias, "none", [], "")
        return result


def pack(module: nn.Module) -> None:
    """Replace the linear layers of a float32 model on the CPU, where oneDNN is. Nothing may read their weights."""
    if not torch._C._has_mkldnn:
        return
    for name, child in module.named_children():
        if type(child) is nn.Linear:
            setattr(module, name, PackedLinear(child))
        else:
            pack(child)
