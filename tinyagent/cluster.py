"""Ray: the workers of a cluster as places of ``fanout``.

Ray itself keeps the address of the user's cluster in ``RAY_ADDRESS``. Where there is none, Ray is
started on this computer for as long as it is needed: it then listens on the loopback address
alone. Its usage statistics are off, and it has no dashboard.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from tinyagent.errors import ServerError, SettingsError

Job = TypeVar("Job")
Result = TypeVar("Result")

ADDRESS = "RAY_ADDRESS"
LOOPBACK = "127.0.0.1"
_NO_STATISTICS = {"RAY_USAGE_STATS_ENABLED": "0"}
_LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
"""Whatever the system: without clusters, Ray takes 127.0.0.1 for its own address, and does not
ask the network which one it has."""
_PATIENCE = 5.0
"""Seconds for a connection."""
_OBJECTS = 100_000_000
"""Bytes of the store that jobs and results pass through when Ray is started here."""


@contextmanager
def cluster(address: str, cpus: int | None = None) -> Iterator[None]:
    """A connection to Ray, until the context ends.

    Args:
        address: of a cluster; "" starts Ray here.
        cpus: how many workers Ray may have where it is started here; None: one for each core.

    Raises:
        SettingsError: Ray is not installed.
        ServerError: there is no cluster at the address, or Ray does not start.
    """
    if address and not _answers(address):
        raise ServerError(
            f"there is no Ray cluster at {address}, which ${ADDRESS} names; "
            "correct or unset it, and Ray is started here"
        )
    # Ray reads them when it is imported.
    os.environ.update(_NO_STATISTICS | ({} if address else _LOOPBACK))
    ray = _ray()
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if not address:
        options |= {"num_cpus": cpus, "include_dashboard": False}
        options |= {"object_store_memory": _OBJECTS, "_node_ip_address": LOOPBACK}
    try:
        ray.init(address=address or "local", **options)
    except (ConnectionError, RuntimeError) as error:
        raise ServerError(
            f"Ray does not start ({error}); is this computer, or the cluster, too busy?"
        ) from error
    try:
        if not address and ray.util.get_node_ip_address() != LOOPBACK:
            raise ServerError(
                "Ray was loaded before it could be told to stay on this computer; "
                "start it yourself and name it in $RAY_ADDRESS, or leave the loading to TinyAgent"
            )
        yield
    finally:
        ray.shutdown()


def workers(made: Callable[..., Any], *arguments: object) -> list[Worker[Any, Any]]:
    """A worker for each core of the cluster that is free, one thread each.

    Args:
        made: a class whose ``work`` does one job; each worker makes an object of its own.
        arguments: those of the class.
    """
    import ray

    actor = ray.remote(num_cpus=1)(made)
    free = max(1, int(ray.available_resources().get("CPU", 0)))
    return [Worker(f"Ray worker {n + 1}", actor.remote(*arguments)) for n in range(free)]


class Worker(Generic[Job, Result]):
    """A place of ``fanout`` in a process of its own, somewhere on the cluster.

    Attributes:
        actor: Ray's handle of it.
    """

    def __init__(self, name: str, actor: Any) -> None:
        self.name = name
        self.actor = actor

    async def work(self, job: Job) -> Result:
        """Have one job done there; see ``fanout.Place``."""
        from ray.exceptions import RayActorError, RayTaskError

        try:
            result: Result = await self.actor.work.remote(job)
        except RayTaskError as error:
            raise error.cause from error
        except RayActorError as error:
            last = str(error).strip().splitlines()[-1]
            reason = last if error.actor_init_failed else "its process has ended"
            raise ServerError(f"{self.name}: {reason}") from error
        return result


def _ray() -> Any:
    try:
        import ray
    except ModuleNotFoundError as error:
        raise SettingsError(
            "--ray needs Ray, which is not installed; run: make setup EXTRAS=training,ray"
        ) from error
    return ray


def _answers(address: str) -> bool:
    """Whether anybody listens there: Ray itself would try for minutes."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if not port.isdecimal():
        return True  # "auto": Ray knows where to look
    try:
        socket.create_connection((host, int(port)), _PATIENCE).close()
    except OSError:
        return False
    return True
