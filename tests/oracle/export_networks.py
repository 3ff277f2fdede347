"""Architectures of image classifiers in plain PyTorch, written as torchvision and timm write them, for export_onnx.py.

They keep the operators and their order of the published networks; widths and depths are smaller, so that all are exported and run
in a minute. Weights are random, the statistics of batch norms too.
"""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F


def conv_norm(cin, cout, kernel=3, stride=1, groups=1, act=nn.ReLU, norm=nn.BatchNorm2d):
    layers = [nn.Conv2d(cin, cout, kernel, stride, kernel // 2, groups=groups, bias=False), norm(cout)]
    return nn.Sequential(*layers, *([act()] if act else []))


class Concat(nn.Module):
    def __init__(self, *branches):
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x):
        return torch.cat([b(x) for b in self.branches], 1)


class Residual(nn.Module):
    def __init__(self, body, skip=None, act=None):
        super().__init__()
        self.body, self.skip, self.act = body, skip or nn.Identity(), act or nn.Identity()

    def forward(self, x):
        return self.act(self.body(x) + self.skip(x))


class Squeeze(nn.Module):
    """Squeeze-and-excitation: by AdaptiveAvgPool2d (torchvision) or mean over two axes (timm)."""

    def __init__(self, channels, act=nn.ReLU, gate=nn.Sigmoid, pool=True):
        super().__init__()
        self.pool, narrow = pool, max(4, channels // 4)
        self.fc1, self.fc2 = nn.Conv2d(channels, narrow, 1), nn.Conv2d(narrow, channels, 1)
        self.act, self.gate = act(), gate()

    def forward(self, x):
        s = F.adaptive_avg_pool2d(x, 1) if self.pool else x.mean((2, 3), keepdim=True)
        return x * self.gate(self.fc2(self.act(self.fc1(s))))


class Head(nn.Module):
    def __init__(self, channels, classes=10, kind="flatten"):
        super().__init__()
        self.fc, self.kind = nn.Linear(channels, classes), kind

    def forward(self, x):
        if self.kind == "mean":
            return self.fc(x.mean([2, 3]))
        x = F.adaptive_avg_pool2d(x, (1, 1))
        return self.fc(x.view(x.size(0), -1) if self.kind == "view" else torch.flatten(x, 1))


def alexnet():
    return nn.Sequential(
        nn.Conv2d(3, 16, 11, 4, 2), nn.ReLU(True), nn.LocalResponseNorm(5, 1e-4, 0.75, 2), nn.MaxPool2d(3, 2),
        nn.Conv2d(16, 24, 5, 1, 2, groups=2), nn.ReLU(True), nn.MaxPool2d(3, 2), nn.Conv2d(24, 32, 3, 1, 1), nn.ReLU(True),
        nn.Flatten(), nn.Dropout(), nn.Linear(288, 64), nn.ReLU(True), nn.Linear(64, 10))


def vgg():
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(True), nn.MaxPool2d(2, 2), nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(True), nn.MaxPool2d(2, 2), nn.AdaptiveAvgPool2d((4, 4)), nn.Flatten(1), nn.Linear(32 * 16, 64), nn.ReLU(True),
        nn.Dropout(), nn.Linear(64, 10), nn.LogSoftmax(1))


def resnext_se():
    body = nn.Sequential(conv_norm(16, 32, 1), conv_norm(32, 32, 3, 2, groups=8), conv_norm(32, 48, 1, act=None), Squeeze(48))
    down = nn.Sequential(nn.AvgPool2d(2, 2, ceil_mode=True, count_include_pad=False), conv_norm(16, 48, 1, act=None))
    return nn.Sequential(conv_norm(3, 16, 7, 2), nn.MaxPool2d(3, 2, 1), Residual(body, down, nn.ReLU()), Head(48))


def regnet():
    body = nn.Sequential(conv_norm(16, 24, 1), conv_norm(24, 24, 3, 2, groups=3), Squeeze(24), conv_norm(24, 24, 1, act=None))
    return nn.Sequential(conv_norm(3, 16, 3, 2), Residual(body, conv_norm(16, 24, 1, 2, act=None), nn.ReLU()), Head(24, kind="mean"))


class Dense(nn.Module):
    def __init__(self, cin, growth, layers):
        super().__init__()
        self.layers = nn.ModuleList(nn.Sequential(nn.BatchNorm2d(cin + i * growth), nn.ReLU(), nn.Conv2d(cin + i * growth, 4 * growth, 1, bias=False),
                                                  nn.BatchNorm2d(4 * growth), nn.ReLU(), nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False))
                                    for i in range(layers))

    def forward(self, x):
        features = [x]
        for layer in self.layers:
            features.append(layer(torch.cat(features, 1)))
        return torch.cat(features, 1)


def densenet():
    return nn.Sequential(conv_norm(3, 16, 7, 2), nn.MaxPool2d(3, 2, 1), Dense(16, 8, 3), nn.BatchNorm2d(40), nn.ReLU(), nn.Conv2d(40, 20, 1, bias=False),
                         nn.AvgPool2d(2, 2), Dense(20, 8, 2), nn.BatchNorm2d(36), nn.ReLU(), Head(36))


def squeezenet():
    fire = nn.Sequential(nn.Conv2d(16, 8, 1), nn.ReLU(True), Concat(nn.Sequential(nn.Conv2d(8, 16, 1), nn.ReLU(True)),
                                                                     nn.Sequential(nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(True))))
    return nn.Sequential(nn.Conv2d(3, 16, 3, 2), nn.ReLU(True), nn.MaxPool2d(3, 2, ceil_mode=True), fire, nn.Dropout(), nn.Conv2d(32, 10, 1), nn.ReLU(True),
                         nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten())


class Shuffle(nn.Module):
    def __init__(self, groups):
        super().__init__()
        self.groups = groups

    def forward(self, x):
        n, c, h, w = x.size()
        return x.view(n, self.groups, c // self.groups, h, w).transpose(1, 2).contiguous().view(n, -1, h, w)


class ShuffleUnit2(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.branch = nn.Sequential(conv_norm(c // 2, c // 2, 1), conv_norm(c // 2, c // 2, 3, groups=c // 2, act=None), conv_norm(c // 2, c // 2, 1))
        self.shuffle = Shuffle(2)

    def forward(self, x):
        a, b = x.chunk(2, dim=1)
        return self.shuffle(torch.cat((a, self.branch(b)), 1))


def shufflenet_v1():
    body = nn.Sequential(conv_norm(24, 24, 1, groups=3), Shuffle(3), conv_norm(24, 24, 3, groups=24, act=None), conv_norm(24, 24, 1, groups=3, act=None))
    return nn.Sequential(conv_norm(3, 24, 3, 2), nn.MaxPool2d(3, 2, 1), Residual(body, None, nn.ReLU()), Head(24))


def shufflenet_v2():
    return nn.Sequential(conv_norm(3, 24, 3, 2), nn.MaxPool2d(3, 2, 1), ShuffleUnit2(24), ShuffleUnit2(24), conv_norm(24, 32, 1), Head(32, kind="mean"))


def inverted(c, act, wide, kernel=3, stride=1, squeeze=None):
    layers = [conv_norm(c, wide, 1, act=act), conv_norm(wide, wide, kernel, stride, groups=wide, act=act)]
    body = nn.Sequential(*layers, *([squeeze] if squeeze else []), conv_norm(wide, c, 1, act=None))
    return Residual(body) if stride == 1 else body


def mobilenet_v1():
    return nn.Sequential(conv_norm(3, 16, 3, 2), conv_norm(16, 16, 3, 1, 16), conv_norm(16, 32, 1), conv_norm(32, 32, 3, 2, 32), conv_norm(32, 32, 1), Head(32))


def mobilenet_v2():
    return nn.Sequential(conv_norm(3, 16, 3, 2, act=nn.ReLU6), inverted(16, nn.ReLU6, 48), inverted(16, nn.ReLU6, 48, 3, 2), Head(16, kind="mean"))


def mobilenet_v3():
    return nn.Sequential(conv_norm(3, 16, 3, 2, act=nn.Hardswish), inverted(16, nn.Hardswish, 48, 5, squeeze=Squeeze(48, gate=nn.Hardsigmoid)),
                         inverted(16, nn.ReLU, 40, 3, 2), conv_norm(16, 48, 1, act=nn.Hardswish), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(48, 32),
                         nn.Hardswish(), nn.Dropout(0.2), nn.Linear(32, 10))


def mnasnet():
    return nn.Sequential(conv_norm(3, 16, 3, 2), inverted(16, nn.ReLU, 48, 5, squeeze=Squeeze(48, pool=False)), inverted(16, nn.ReLU, 48, 3, 2), Head(16))


def efficientnet():
    return nn.Sequential(conv_norm(3, 16, 3, 2, act=nn.SiLU), inverted(16, nn.SiLU, 48, 5, squeeze=Squeeze(48, act=nn.SiLU)),
                         inverted(16, nn.SiLU, 48, 3, 2, Squeeze(48, act=nn.SiLU, pool=False)), conv_norm(16, 40, 1, act=nn.SiLU), Head(40))


def efficientnet_lite():
    return nn.Sequential(conv_norm(3, 16, 3, 2, act=nn.ReLU6), inverted(16, nn.ReLU6, 48, 5), inverted(16, nn.ReLU6, 64, 3, 2), Head(16))


class LayerNorm2d(nn.LayerNorm):
    """ConvNeXt's: over channels, by way of two permutations."""

    def forward(self, x):
        return F.layer_norm(x.permute(0, 2, 3, 1), self.normalized_shape, self.weight, self.bias, self.eps).permute(0, 3, 1, 2)


class ConvNeXtBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dw, self.norm = nn.Conv2d(dim, dim, 7, padding=3, groups=dim), nn.LayerNorm(dim, eps=1e-6)
        self.fc1, self.fc2 = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)
        self.gamma = nn.Parameter(torch.randn(dim))

    def forward(self, x):
        y = self.norm(self.dw(x).permute(0, 2, 3, 1))
        return x + (self.gamma * self.fc2(F.gelu(self.fc1(y)))).permute(0, 3, 1, 2)


def convnext():
    return nn.Sequential(nn.Conv2d(3, 16, 4, 4), LayerNorm2d(16), ConvNeXtBlock(16), ConvNeXtBlock(16), LayerNorm2d(16), nn.Conv2d(16, 32, 2, 2), ConvNeXtBlock(32),
                         nn.AdaptiveAvgPool2d(1), LayerNorm2d(32), nn.Flatten(1), nn.Linear(32, 10))


class GlobalResponse(nn.Module):
    """ConvNeXt V2's: a norm over height and width."""

    def __init__(self, dim):
        super().__init__()
        self.gamma, self.beta = nn.Parameter(torch.randn(1, 1, 1, dim)), nn.Parameter(torch.randn(1, 1, 1, dim))

    def forward(self, x):
        x = x.permute(0, 2, 3, 1)
        g = torch.norm(x, p=2, dim=(1, 2), keepdim=True)
        return (self.gamma * (x * (g / (g.mean(dim=-1, keepdim=True) + 1e-6))) + self.beta + x).permute(0, 3, 1, 2)


def convnext_v2():
    return nn.Sequential(nn.Conv2d(3, 16, 4, 4), LayerNorm2d(16), Residual(nn.Sequential(nn.Conv2d(16, 16, 7, padding=3, groups=16), nn.Conv2d(16, 32, 1), nn.GELU(),
                                                                                         GlobalResponse(32), nn.Conv2d(32, 16, 1))), Head(16, kind="mean"))


def inception_v3():
    mixed = Concat(conv_norm(24, 16, 1), nn.Sequential(conv_norm(24, 12, 1), conv_norm(12, 16, 5)),
                   nn.Sequential(conv_norm(24, 8, 1), Concat(nn.Conv2d(8, 8, (1, 3), padding=(0, 1)), nn.Conv2d(8, 8, (3, 1), padding=(1, 0)))),
                   nn.Sequential(nn.AvgPool2d(3, 1, 1), conv_norm(24, 8, 1)))
    reduce = Concat(nn.Conv2d(56, 24, 3, 2), nn.Sequential(conv_norm(56, 16, 1), nn.Conv2d(16, 16, 3, 2)), nn.MaxPool2d(3, 2))
    return nn.Sequential(conv_norm(3, 24, 3, 2), mixed, reduce, Head(96))


class GoogLeNet(nn.Module):
    """transform_input: channels by indexing, unsqueezed and concatenated."""

    def __init__(self):
        super().__init__()
        pool = nn.Sequential(nn.MaxPool2d(3, 1, 1, ceil_mode=True), conv_norm(24, 8, 1))
        self.body = nn.Sequential(conv_norm(3, 24, 7, 2), nn.MaxPool2d(3, 2, ceil_mode=True),
                                  Concat(conv_norm(24, 16, 1), nn.Sequential(conv_norm(24, 8, 1), conv_norm(8, 16, 3)), pool), Head(40))

    def forward(self, x):
        channels = [torch.unsqueeze(x[:, i], 1) * (0.229 / 0.5) + (m - 0.5) / 0.5 for i, m in enumerate((0.485, 0.456, 0.406))]
        return self.body(torch.cat(channels, 1))


class UNet(nn.Module):
    """A U-Net whose encoder and decoder feed a classifier: transposed convolution, resizing, skip connections."""

    def __init__(self):
        super().__init__()
        self.down1, self.down2 = conv_norm(3, 8), nn.Sequential(nn.MaxPool2d(2), conv_norm(8, 16))
        self.mid, self.up1 = nn.Sequential(nn.MaxPool2d(2), conv_norm(16, 24)), nn.ConvTranspose2d(24, 16, 2, 2)
        self.dec1, self.dec2 = conv_norm(32, 16, norm=lambda c: nn.GroupNorm(4, c)), conv_norm(24, 8, norm=lambda c: nn.InstanceNorm2d(c, affine=True))
        self.head = Head(8)

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(a)
        c = self.dec1(torch.cat([self.up1(self.mid(b)), b], 1))
        up = F.interpolate(c, size=a.shape[2:], mode="bilinear", align_corners=True)
        near = F.interpolate(c, scale_factor=2.0, mode="nearest")
        return self.head(self.dec2(torch.cat([up + near, a], 1)))


class Attention(nn.Module):
    """timm's, before fused kernels: qkv in one, reshape, permute, three pieces by unbind, chunk or indexing."""

    def __init__(self, dim, heads, how="unbind"):
        super().__init__()
        self.heads, self.scale, self.how = heads, (dim // heads) ** -0.5, how
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)

    def forward(self, x):
        b, n, c = x.shape
        if self.how == "chunk":
            q, k, v = (t.reshape(b, n, self.heads, c // self.heads).transpose(1, 2) for t in self.qkv(x).chunk(3, dim=-1))
        else:
            qkv = self.qkv(x).reshape(b, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
            q, k, v = qkv.unbind(0) if self.how == "unbind" else (qkv[0], qkv[1], qkv[2])
        attn = ((q * self.scale) @ k.transpose(-2, -1)).softmax(dim=-1)
        return self.proj((attn @ v).transpose(1, 2).reshape(b, n, c))


class Block(nn.Module):
    def __init__(self, dim, heads, how="unbind", scale=False, act=nn.GELU):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim, eps=1e-6), nn.LayerNorm(dim, eps=1e-6)
        self.attn = Attention(dim, heads, how)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), act(), nn.Dropout(0.0), nn.Linear(4 * dim, dim))
        self.ls = nn.Parameter(torch.randn(dim)) if scale else 1.0

    def forward(self, x):
        x = x + self.ls * self.attn(self.norm1(x))
        return x + self.ls * self.mlp(self.norm2(x))


class ViT(nn.Module):
    def __init__(self, size=64, patch=16, dim=48, depth=2, heads=3, classes=10, distilled=False, mean=False, how="unbind"):
        super().__init__()
        tokens = 1 + distilled
        self.patch = nn.Conv2d(3, dim, patch, patch)
        self.tokens = nn.Parameter(torch.randn(1, 1, dim))
        self.distilled = nn.Parameter(torch.randn(1, 1, dim)) if distilled else None
        self.place = nn.Parameter(torch.randn(1, (size // patch) ** 2 + tokens, dim) * 0.1)
        self.blocks = nn.Sequential(*(Block(dim, heads, how, scale=mean) for _ in range(depth)))
        self.norm, self.mean = nn.LayerNorm(dim, eps=1e-6), mean
        self.head, self.head2 = nn.Linear(dim, classes), nn.Linear(dim, classes) if distilled else None

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        first = [self.tokens.expand(x.shape[0], -1, -1)]
        if self.distilled is not None:
            first.append(self.distilled.expand(x.shape[0], -1, -1))
        x = self.norm(self.blocks(torch.cat((*first, x), 1) + self.place))
        if self.distilled is not None:
            return (self.head(x[:, 0]) + self.head2(x[:, 1])) / 2
        return self.head(x[:, 1:].mean(1) if self.mean else x[:, 0])


class MobileViTBlock(nn.Module):
    """Unfolds into patches and folds back, by reshapes and transposes (Mehta and Rastegari 2022)."""

    def __init__(self, c, dim):
        super().__init__()
        self.local = nn.Sequential(conv_norm(c, c, act=nn.SiLU), nn.Conv2d(c, dim, 1, bias=False))
        self.blocks = nn.Sequential(Block(dim, 2, act=nn.SiLU), Block(dim, 2, "chunk", act=nn.SiLU), nn.LayerNorm(dim))
        self.proj, self.fuse = conv_norm(dim, c, 1, act=nn.SiLU), conv_norm(2 * c, c, act=nn.SiLU)

    def forward(self, x):
        y = self.local(x)
        b, c, h, w = y.shape
        ph = pw = 2
        nh, nw = h // ph, w // pw
        y = y.reshape(b * c * nh, ph, nw, pw).transpose(1, 2).reshape(b, c, nh * nw, ph * pw)
        y = self.blocks(y.transpose(1, 3).reshape(b * ph * pw, nh * nw, c))
        y = y.contiguous().view(b, ph * pw, nh * nw, c).transpose(1, 3).reshape(b * c * nh, nw, ph, pw)
        y = self.proj(y.transpose(1, 2).reshape(b, c, nh * ph, nw * pw))
        return self.fuse(torch.cat((x, y), 1))


def mobilevit():
    return nn.Sequential(conv_norm(3, 16, 3, 2, act=nn.SiLU), inverted(16, nn.SiLU, 32, 3, 2), MobileViTBlock(16, 24), conv_norm(16, 32, 1, act=nn.SiLU), Head(32, kind="mean"))


class SwinBlock(nn.Module):
    """Windows by view and permute, the shift by roll, a bias by table and index (Liu et al. 2021)."""

    def __init__(self, dim, side, window, shift):
        super().__init__()
        self.side, self.window, self.shift, self.heads = side, window, shift, 2
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))
        at = torch.stack(torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")).flatten(1)
        apart = (at[:, :, None] - at[:, None, :]).permute(1, 2, 0) + window - 1
        self.register_buffer("index", apart[..., 0] * (2 * window - 1) + apart[..., 1])
        self.table = nn.Parameter(torch.randn((2 * window - 1) ** 2, 2))

    def attend(self, x):
        b, n, c = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        bias = self.table[self.index.view(-1)].view(n, n, -1).permute(2, 0, 1).contiguous().unsqueeze(0)
        attn = ((q * math.sqrt(1 / (c // self.heads))) @ k.transpose(-2, -1) + bias).softmax(-1)
        return self.proj((attn @ v).transpose(1, 2).reshape(b, n, c))

    def forward(self, x):
        b, n, c = x.shape
        s, w = self.side, self.window
        y = self.norm1(x).view(b, s, s, c)
        y = torch.roll(y, (-self.shift, -self.shift), (1, 2)) if self.shift else y
        y = y.view(b, s // w, w, s // w, w, c).permute(0, 1, 3, 2, 4, 5).contiguous().view(-1, w * w, c)
        y = self.attend(y).view(-1, s // w, s // w, w, w, c).permute(0, 1, 3, 2, 4, 5).contiguous().view(-1, s, s, c)
        y = torch.roll(y, (self.shift, self.shift), (1, 2)) if self.shift else y
        x = x + y.view(-1, n, c)
        return x + self.mlp(self.norm2(x))


class Swin(nn.Module):
    def __init__(self):
        super().__init__()
        self.patch, self.blocks = nn.Conv2d(3, 16, 4, 4), nn.Sequential(SwinBlock(16, 16, 4, 0), SwinBlock(16, 16, 4, 2))
        self.reduce, self.norm, self.head = nn.Linear(64, 32, bias=False), nn.LayerNorm(64), nn.Linear(32, 10)

    def forward(self, x):
        x = self.blocks(self.patch(x).flatten(2).transpose(1, 2))
        b, n, c = x.shape
        x = x.view(b, 16, 16, c)
        x = torch.cat([x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2]], -1).view(b, -1, 4 * c)
        return self.head(F.adaptive_avg_pool1d(self.reduce(self.norm(x)).transpose(1, 2), 1).flatten(1))


class Activations(nn.Module):
    """Every activation that a classifier may have, on channels of its own."""

    def __init__(self):
        super().__init__()
        self.acts = nn.ModuleList([nn.PReLU(8), nn.Mish(), nn.SELU(), nn.CELU(0.7), nn.ELU(0.9), nn.LeakyReLU(0.2), nn.Softplus(), nn.Hardtanh(-2, 2), nn.Softsign(),
                                   nn.LogSigmoid(), nn.Hardswish(), nn.GELU(), nn.GELU(approximate="tanh"), nn.Softmax2d(), nn.Softshrink(0.3)])
        self.convs = nn.ModuleList(nn.Conv2d(3, 8, 3) for _ in self.acts)
        self.head = Head(8)

    def forward(self, x):
        return self.head(sum(act(conv(x)) for act, conv in zip(self.acts, self.convs)))


NETWORKS = {
    "alexnet": alexnet, "vgg": vgg, "resnext_se": resnext_se, "regnet": regnet, "densenet": densenet, "squeezenet": squeezenet, "shufflenet_v1": shufflenet_v1,
    "shufflenet_v2": shufflenet_v2, "mobilenet_v1": mobilenet_v1, "mobilenet_v2": mobilenet_v2, "mobilenet_v3": mobilenet_v3, "mnasnet": mnasnet,
    "efficientnet": efficientnet, "efficientnet_lite": efficientnet_lite, "convnext": convnext, "convnext_v2": convnext_v2, "inception_v3": inception_v3,
    "googlenet": GoogLeNet, "unet": UNet, "vit": ViT, "vit_index": lambda: ViT(how="index"), "vit_chunk": lambda: ViT(how="chunk"), "vit_mean": lambda: ViT(mean=True),
    "deit_distilled": lambda: ViT(distilled=True), "mobilevit": mobilevit, "swin": Swin, "activations": Activations,
}


def vit_tiny():
    """ViT-Ti/16 at 224 (Touvron et al. 2021): 5.7 million parameters."""
    return ViT(224, 16, 192, 12, 3, 1000)


def build(name):
    torch.manual_seed(7)
    net = (vit_tiny if name == "vit_tiny" else NETWORKS[name])().eval()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.2, 0.2)
            nn.init.uniform_(module.running_var, 0.7, 1.3)
            nn.init.uniform_(module.weight, 0.7, 1.3)
            nn.init.uniform_(module.bias, -0.2, 0.2)
    return net
