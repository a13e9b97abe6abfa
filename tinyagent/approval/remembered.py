"""Approvals that a person had remembered: for one tool and these people, until a day.

They are kept in ``remembered.json`` beside the trace file, readable by its owner
only. One stands for calls of its tool that reach nobody but its people, in the
same place and with mail sent (or left as drafts) as it was then. A call that
``caution`` warns of is asked about all the same.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from filelock import FileLock, Timeout

from tinyagent.approval.addresses import canonical
from tinyagent.atomic import write_whole
from tinyagent.errors import ApprovalError

FILE = "remembered.json"
LONGEST = timedelta(days=365)


@dataclass(frozen=True)
class Remembered:
    """One remembered approval.

    Attributes:
        id: to revoke it with.
        tool: the tool that it is for.
        people: addresses and numbers that it may reach; none for a tool that reaches nobody.
        place: the backend, and whether mail was sent: "workspace", "macos, mail is sent" …
        made, until: ISO local times.
    """

    id: str
    tool: str
    people: tuple[str, ...]
    place: str
    made: str
    until: str


class RememberedApprovals:
    """The remembered approvals of one user. Any thread, and any process, may use them.

    Args:
        folder: where the file is, or will be made.
        clock: the present time, naive and local.
    """

    def __init__(self, folder: Path, clock: Callable[[], datetime]) -> None:
        self._path = folder / FILE
        self._clock = clock
        self._threads = threading.Lock()

    def all(self) -> list[Remembered]:
        """Those that count now, oldest first.

        Raises:
            ApprovalError: the file is damaged, or cannot be read.
        """
        now = self._clock()
        # One that was made later than now: the clock was set back, which must not prolong it.
        return [
            one
            for one in self._read()
            if datetime.fromisoformat(one.made) <= now < datetime.fromisoformat(one.until)
        ]

    def covering(self, tool: str, people: frozenset[str], place: str) -> Remembered | None:
        """One that stands for such a call, or None."""
        wanted = {canonical(person) for person in people}
        for one in self.all():
            known = {canonical(person) for person in one.people}
            fits = wanted <= known and bool(wanted) == bool(known)
            if fits and (one.tool, one.place) == (tool, place):
                return one
        return None

    def remember(
        self, tool: str, people: frozenset[str], place: str, until: datetime
    ) -> Remembered:
        """Write one down.

        Raises:
            ApprovalError: ``until`` is past or over a year away, or the file cannot be written.
        """
        now = self._clock()
        if not now < until <= now + LONGEST:
            raise ApprovalError(
                f"an approval cannot be remembered until {until:%Y-%m-%d %H:%M}; "
                "give a time within a year"
            )
        made = Remembered(
            secrets.token_hex(3),
            tool,
            tuple(sorted(people)),
            place,
            now.isoformat(timespec="seconds"),
            until.isoformat(timespec="seconds"),
        )
        with self._writing():
            self._write([*self.all(), made])
        return made

    def revoke(self, which: str) -> list[Remembered]:
        """Forget the one with that id, or each with "all"; those that were forgotten.

        Raises:
            ApprovalError: there is none with that id.
        """
        with self._writing():
            known = self.all()
            gone = known if which == "all" else [one for one in known if one.id == which]
            if not gone and which != "all":
                raise ApprovalError(f"no approval {which} is remembered; list them to see the ids")
            self._write([one for one in known if one not in gone])
        return gone

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Hold off every other writer, of this process and of others, meanwhile."""
        with self._threads:
            try:
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                lock = FileLock(self._path.with_name(f".{FILE}.lock"), timeout=10, mode=0o600)
                lock.acquire()
            except (OSError, Timeout) as error:
                raise ApprovalError(f"{self._path}: it cannot be written ({error})") from error
            try:
                yield
            finally:
                lock.release()

    def _read(self) -> list[Remembered]:
        try:
            rows = json.loads(self._path.read_text("utf-8"))
            return [Remembered(**row | {"people": tuple(row["people"])}) for row in rows]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ApprovalError(f"{self._path}: it cannot be read ({error.strerror})") from error
        except (ValueError, TypeError, KeyError) as error:
            raise ApprovalError(
                f"{self._path}: it is damaged ({error}); remove it, and every approval is asked for"
            ) from error

    def _write(self, kept: list[Remembered]) -> None:
        data = json.dumps([asdict(one) for one in kept], ensure_ascii=False, indent=1) + "\n"
        try:
            write_whole(self._path, data.encode())
        except OSError as error:
            raise ApprovalError(f"{self._path}: it cannot be written ({error.strerror})") from error
