"""Several training processes, by torchrun or `accelerate launch`: which one this is, and what they share."""

from __future__ import annotations

import os
from typing import Any

from lapor_route.errors import InputError


def rank() -> int:
    """Number of this process; 0 writes the files and prints."""
    return int(os.environ.get("RANK", "0"))


def processes() -> int:
    """How many processes train together, on all machines."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def devices() -> int:
    """How many devices share a batch: one a process, or, without torchrun, all GPUs of this machine."""
    import torch

    return processes() if "LOCAL_RANK" in os.environ else max(1, torch.cuda.device_count())


def process_name() -> str:
    """What this process calls itself in an error."""
    return f"training (rank {rank()} of {processes()})" if processes() > 1 else "training"


def texts_a_device(batch_size: int, devices: int) -> int:
    """Texts of a batch that each device gets.

    Raises:
        InputError: They can't get the same number.
    """
    if batch_size % devices:
        raise InputError(
            f"train.batch_size is {batch_size}, which {devices} devices can't share evenly; make it a multiple of "
            f"{devices}, or use fewer (torchrun --nproc-per-node, CUDA_VISIBLE_DEVICES)"
        )
    return batch_size // devices


def check_alike(mine: dict[str, str]) -> None:
    """Refuses to train where the processes would train on, or go on from, different things.

    Args:
        mine: What of this process, by what it is, must be that of all.

    Raises:
        InputError: It isn't.
    """
    from torch import distributed

    if not distributed.is_initialized():
        return
    everyones: list[Any] = [None] * distributed.get_world_size()
    distributed.all_gather_object(everyones, mine)
    for what, expected in everyones[0].items():
        others = [number for number, found in enumerate(everyones) if found[what] != expected]
        if others:
            raise InputError(
                f"ranks {others} have another {what} than rank 0; share the work folder, or copy it to each"
            )
