"""Work shared out to processes of its own, which have ended when the results are there."""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def share_out(work: Callable[[Sequence[Item]], list[Result]], items: Sequence[Item], jobs: int) -> list[Result]:
    """`work` is a function of a module, and gets every n-th item; the results keep the order of the items."""
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        shares = list(pool.map(work, [items[start::jobs] for start in range(jobs)]))
    return [shares[number % jobs][number // jobs] for number in range(len(items))]
