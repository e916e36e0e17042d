"""The simplified ModifiedResNet of tutorials: no pooling, the 3x3 convolution has the stride.

It has the names and shapes of CLIP's, but halves the picture only four times: 224 becomes 14 x 14.
"""

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from open_clip.modified_resnet import AttentionPool2d
from open_clip.transform import image_transform
from PIL import Image
from torch import nn

from expected import Tensors, record, write_expected
from pictures import picture, with_alpha, write_png
from weights import randomise

WIDTH, LAYERS, IMAGE, EMBED = 4, (1, 1, 1, 1), 48, 32
REDUCTION = 16


def convolution(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False)


class Bottleneck(nn.Module):
    def __init__(self, inputs: int, planes: int, stride: int) -> None:
        super().__init__()
        outputs = 4 * planes
        self.conv1, self.bn1 = convolution(inputs, planes, 1), nn.BatchNorm2d(planes)
        self.conv2, self.bn2 = convolution(planes, planes, 3, stride), nn.BatchNorm2d(planes)
        self.conv3, self.bn3 = convolution(planes, outputs, 1), nn.BatchNorm2d(outputs)
        self.downsample = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                OrderedDict(
                    [
                        ("0", convolution(inputs, outputs, 1, stride)),
                        ("1", nn.BatchNorm2d(outputs)),
                    ]
                )
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu(self.bn1(self.conv1(x)))
        y = torch.relu(self.bn2(self.conv2(y)))
        return torch.relu(self.bn3(self.conv3(y)) + self.downsample(x))


class TutorialResNet(nn.Module):
    def __init__(self, width: int, layers: tuple[int, ...], image: int, embed: int) -> None:
        super().__init__()
        half = width // 2
        self.conv1, self.bn1 = convolution(3, half, 3, stride=2), nn.BatchNorm2d(half)
        self.conv2, self.bn2 = convolution(half, half, 3), nn.BatchNorm2d(half)
        self.conv3, self.bn3 = convolution(half, width, 3), nn.BatchNorm2d(width)
        inputs = width
        for index, count in enumerate(layers):
            planes = width * 2**index
            blocks = []
            for block in range(count):
                stride = 2 if index > 0 and block == 0 else 1
                blocks.append(Bottleneck(inputs, planes, stride))
                inputs = 4 * planes
            setattr(self, f"layer{index + 1}", nn.Sequential(*blocks))
        self.attnpool = AttentionPool2d(image // REDUCTION, width * 32, width * 32 // 64, embed)

    def stages(self, x: torch.Tensor) -> list[torch.Tensor]:
        for conv, norm in ((self.conv1, self.bn1), (self.conv2, self.bn2), (self.conv3, self.bn3)):
            x = torch.relu(norm(conv(x)))
        maps = [x]
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            maps.append(layer(maps[-1]))
        return maps


def run(model: Any, inputs: Tensors) -> Tensors:
    maps = model.stages(inputs["pixel_values"])
    tensors = {f"vision.stage.{k}": m.permute(0, 2, 3, 1) for k, m in enumerate(maps)}
    tensors["vision.last_hidden_state"] = maps[-1].permute(0, 2, 3, 1)
    tensors["image_features"] = model.attnpool(maps[-1])
    return tensors


def make(folder: Path) -> None:
    model = TutorialResNet(WIDTH, LAYERS, IMAGE, EMBED).eval()
    randomise(model, seed=78)
    torch.save({f"visual.{k}": v for k, v in model.state_dict().items()}, folder / "model.pt")
    pictures = {"photo.png": picture(70, 65, 78), "cutout.png": with_alpha(picture(60, 51, 79))}
    for name, image in pictures.items():
        write_png(image, folder / name)
    transform = image_transform(IMAGE, is_train=False)
    pixels = torch.stack([transform(Image.open(folder / name)) for name in pictures])
    tensors = record(model, {"pixel_values": pixels}, run)
    tensors["pixel_values"] = pixels
    facts = {
        "reference": "tools/reference/clip/tutorial_resnet.py",
        "weights": "model.pt",
        "pictures": list(pictures),
        "imageSize": IMAGE,
        "reduction": REDUCTION,
        "inferred": {"visionWidth": WIDTH, "visionLayers": list(LAYERS), "embedDim": EMBED},
    }
    write_expected(folder, tensors, facts)


def cases() -> dict[str, Callable[[Path], None]]:
    return {"tutorial_resnet": make}
