"""Work handed out to a cluster as tasks: one item each, done again when a worker dies, results in the order of the items.

A function that is handed out must bear being done twice, and being killed anywhere: what it writes it puts into place whole. Rows do
not belong in what it takes or returns: they would pass through Ray's object store, which lies in shared memory and spills to disks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from itertools import islice
from typing import Any, TypeVar

from lyo_pipelines.cluster.connection import ClusterError, connected, first_line
from lyo_pipelines.config.cluster import ClusterConfig
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.private_files import write_privately

Item = TypeVar("Item")
Result = TypeVar("Result")


def task_results(function: Callable[[Item], Result], items: Iterable[Item], config: ClusterConfig) -> Generator[Result]:
    """Yield function(item) for every item, each from a task of the cluster at LYO_RAY_ADDRESS.

    function: of a module that the nodes have (they import it; no code is sent). Whoever leaves early ends what has begun, as a kill
    would. Raises what a function raises, and ClusterError where the cluster fails: no address, no package, deaths beyond the retries.
    """
    settings = Settings.from_env()
    with connected(settings.ray_address, local_workers=config.local_workers) as ray:
        task = ray.remote(
            num_cpus=config.cpus_per_task,
            max_retries=config.retries,
            # a task that reserves one core does not take all of them
            runtime_env={"env_vars": {"POLARS_MAX_THREADS": str(config.cpus_per_task)}},
        )(_task)
        source, in_order, pending = iter(items), deque[Any](), list[Any]()
        while True:
            # nobody cancels: a task that is cancelled as it ends kills the process that waits for it (seen with Ray 2.60)
            begun = [
                task.remote(function, item, settings.group_reads)
                for item in islice(source, _at_once(ray, config) - len(pending))
            ]
            in_order += begun
            pending += begun
            if not in_order:
                return
            if in_order[0] in pending:
                _, pending = ray.wait(pending, num_returns=1)
            else:
                yield _result(ray, in_order.popleft(), config)


def _at_once(ray: Any, config: ClusterConfig) -> int:
    """Tasks under way: as many again wait as cores work, so that none is idle, and a cluster that grows by demand sees it."""
    cores = ray.cluster_resources().get("CPU", 0)
    return 2 * max(int(cores // config.cpus_per_task), 1)


def _task(function: Callable[[Item], Result], item: Item, group_reads: bool) -> Result:
    """In a worker: what it writes is as private as what this machine would have written."""
    write_privately(group=group_reads)
    return function(item)


def _result(ray: Any, one: Any, config: ClusterConfig) -> Any:
    try:
        return ray.get(one)
    except ray.exceptions.RayTaskError as error:
        raise error.cause if isinstance(error.cause, Exception) else error from error
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.NodeDiedError, ray.exceptions.OutOfMemoryError) as error:
        raise ClusterError(
            f"a worker of the Ray cluster died {config.retries + 1} times with the same task ({first_line(error)}).",
            hint="Its node's logs say why, most often memory: lower curation.batch_rows, or raise cluster.cpus_per_task.",
        ) from error
    except ray.exceptions.RayError as error:
        raise ClusterError(
            f"a task of the Ray cluster failed ({first_line(error)}).",
            hint="Every node needs the same version of lyo_pipelines in the Python that its workers run.",
        ) from error
