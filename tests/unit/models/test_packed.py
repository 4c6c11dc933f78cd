from __future__ import annotations

import pytest
import torch
from torch import nn

from memsvc.models.packed import PackedLinear, pack


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(1, 1), (1, 16), (3, 200)])
def test_a_packed_layer_computes_the_same(shape: tuple[int, int], bias: bool) -> None:
    torch.manual_seed(0)
    linear = nn.Linear(384, 1536, bias=bias)
    rows = torch.randn(*shape, 384)
    with torch.inference_mode():
        result = PackedLinear(linear)(rows)
        torch.testing.assert_close(result, linear(rows), rtol=1e-4, atol=1e-5)


def test_pack_replaces_the_linear_layers_at_any_depth_and_nothing_else() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 4), nn.ModuleDict({"inner": nn.Linear(4, 2)}), nn.LayerNorm(2))
    pack(model)
    assert isinstance(model[0], PackedLinear)
    assert isinstance(model[1]["inner"], PackedLinear)
    assert isinstance(model[2], nn.LayerNorm)
