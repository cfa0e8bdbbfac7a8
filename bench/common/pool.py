"""Shares work out to several processes."""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

Item = TypeVar("Item")
Output = TypeVar("Output")


def share_out(work: Callable[[Sequence[Item]], list[Output]], items: Sequence[Item], jobs: int) -> list[Output]:
    """The outputs of all items, in the order of the items, from `jobs` new processes, which have ended by then.

    `work` must be a function of a module, because its name is sent to the processes. Process k of n gets the items k,
    k + n, k + 2n and so on.
    """
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        shares = list(pool.map(work, [items[start::jobs] for start in range(jobs)]))
    return [shares[number % jobs][number // jobs] for number in range(len(items))]
