"""Prints the sizes of images by layer, as Markdown: `image_sizes.py IMAGE PLAIN-IMAGE`."""

import json
import subprocess
import sys


def main() -> None:
    """Print a table for each image, and how large the first is beside the second."""
    image, plain = sys.argv[1:]
    for name in (image, plain):
        print(f"\n`{name}`: {size(name) / 1e6:.0f} MB\n\n| MB | layer |\n|---:|---|")
        for megabytes, layer in layers(name):
            print(f"| {megabytes:.1f} | {layer} |")
    print(f"\n{image} is {size(image) / size(plain):.3f} of {plain}.")


def size(image: str) -> int:
    """An image's size on disk, in bytes."""
    return int(docker("image", "inspect", "--format", "{{.Size}}", image))


def layers(image: str) -> list[tuple[float, str]]:
    """Megabytes and origin of each layer that has any, the lowest first."""
    shown = docker("history", "--no-trunc", "--human=false", "--format", "{{json .}}", image)
    entries = [json.loads(line) for line in reversed(shown.splitlines())]
    return [(int(e["Size"]) / 1e6, origin(e["CreatedBy"])) for e in entries if int(e["Size"]) >= 50_000]


def origin(command: str) -> str:
    """What made a layer, in one short line."""
    text = command.split(" # buildkit")[0].split("/bin/sh -c ")[-1]
    return " ".join(text.split())[:90].replace("|", "/") or "the base image"


def docker(*arguments: str) -> str:
    """Run docker and return what it prints."""
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
