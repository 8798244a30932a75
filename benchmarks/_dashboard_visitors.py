"""Visitors of a dashboard without a browser: they speak its WebSocket protocol, move the slider, read the answer."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path

import websockets
from msgspec import Struct
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

_MEGABYTE = 1024 * 1024
_PATIENCE_S = 120.0
_SUCCESS = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)


class Crowd(Struct, frozen=True, kw_only=True):
    """What a crowd saw.

    Attributes:
        answers_s: From a moved slider to the end of the page's run with its target, of every move.
        errors: Exceptions on a page, or moves without an answer.
        foreign: Titles of a page with a target that its visitor never asked for.
    """

    answers_s: list[float]
    errors: int
    foreign: int


class Visitor:
    """One session: its own targets, and what the page says about them.

    Like a browser it also asks again for the parts of the page that refresh themselves.
    """

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self._socket = socket
        self._page = ""
        self._slider = self._part = ""
        self._target: float | None = None
        self._awaited = ""
        self._title = ""
        self._answered = asyncio.Event()
        self._refreshing: dict[str, asyncio.Task[None]] = {}
        self.low = self.high = 0.0
        self.titles: set[str] = set()
        self.errors = 0

    async def open(self) -> None:
        """The first run of the page."""
        await self._ask_and_wait()

    async def move(self, target: float) -> float:
        """Move the slider; seconds until its part of the page has run with the new target.

        Raises:
            TimeoutError: It has not.
        """
        started = time.perf_counter()
        self._target, self._awaited = target, f"{target:.2f}"
        await self._ask_and_wait(self._part)
        return time.perf_counter() - started

    async def listen(self) -> None:
        """Take what the page sends, until cancelled."""
        async for data in self._socket:
            message = ForwardMsg()
            message.ParseFromString(data if isinstance(data, bytes) else data.encode())
            kind = message.WhichOneof("type")
            if kind == "new_session" and not message.metadata.run.fragment_ids:
                self._page = message.new_session.page_script_hash
                self.leave()
            elif kind == "auto_rerun":
                self._keep_asking(message.auto_rerun.fragment_id, message.auto_rerun.interval)
            elif kind == "stop_auto_rerun":
                for part in message.stop_auto_rerun.fragment_ids:
                    self._stop_asking(part)
            elif kind == "delta" and message.delta.HasField("new_element"):
                self._read(message.delta.new_element, part=message.delta.fragment_id)
            elif kind == "script_finished" and message.script_finished in _SUCCESS:
                self.titles.add(self._title)
                if self._awaited in self._title:
                    self._answered.set()

    async def _ask_and_wait(self, part: str = "") -> None:
        self._answered.clear()
        await self._socket.send(self._rerun(part))
        async with asyncio.timeout(_PATIENCE_S):
            await self._answered.wait()

    async def _refresh(self, part: str, interval_s: float) -> None:
        while True:
            await asyncio.sleep(interval_s)
            await self._socket.send(self._rerun(part, by_itself=True))

    def _keep_asking(self, part: str, interval_s: float) -> None:
        if part not in self._refreshing:
            self._refreshing[part] = asyncio.create_task(self._refresh(part, interval_s))

    def _stop_asking(self, part: str) -> None:
        if part in self._refreshing:
            self._refreshing.pop(part).cancel()

    def leave(self) -> None:
        """Ask no more for what refreshes itself."""
        for part in list(self._refreshing):
            self._stop_asking(part)

    def _rerun(self, part: str = "", *, by_itself: bool = False) -> bytes:
        message = BackMsg()
        state = message.rerun_script
        state.page_script_hash = self._page
        state.context_info.locale = "en-GB"
        state.fragment_id = part
        state.is_auto_rerun = by_itself
        if self._target is not None:
            moved = WidgetState(id=self._slider)
            moved.double_array_value.data.append(self._target)
            state.widget_states.widgets.append(moved)
        return bytes(message.SerializeToString())

    def _read(self, element: object, *, part: str) -> None:
        kind = element.WhichOneof("type")  # type: ignore[attr-defined]
        if kind == "slider":
            slider = element.slider  # type: ignore[attr-defined]
            self._slider, self._part, self.low, self.high = slider.id, part, slider.min, slider.max
        elif kind == "heading" and element.heading.tag == "h1":  # type: ignore[attr-defined]
            self._title = element.heading.body  # type: ignore[attr-defined]
        elif kind == "exception":
            self.errors += 1


async def visit(port: int, visitors: int, moves: int, think_s: float, seed: int) -> Crowd:
    """So many visitors at once, each with targets of its own, thinking between its moves."""
    answers: list[float] = []
    errors = foreign = 0

    async def one(number: int) -> None:
        nonlocal errors, foreign
        dice = random.Random(1000 * seed + number)  # noqa: S311
        address = f"ws://127.0.0.1:{port}/_stcore/stream"
        async with websockets.connect(address, max_size=None, ping_interval=None, subprotocols=["streamlit"]) as socket:  # type: ignore[list-item]
            visitor = Visitor(socket)
            listening = asyncio.create_task(visitor.listen())
            await asyncio.sleep(dice.uniform(0, think_s))
            await visitor.open()
            opening = set(visitor.titles)
            steps = max(round((visitor.high - visitor.low) * 100) - 1, 1)
            own: list[str] = []
            for move in range(moves):
                await asyncio.sleep(dice.uniform(0.5, 1.5) * think_s)
                target = round(visitor.low + (1 + (number + move * 7) % steps) / 100, 2)
                own.append(f"{target:.2f}")
                try:
                    answers.append(await visitor.move(target))
                except TimeoutError:
                    errors += 1
            foreign += sum(not any(target in title for target in own) for title in visitor.titles - opening)
            errors += visitor.errors
            visitor.leave()
            listening.cancel()

    await asyncio.gather(*(one(number) for number in range(visitors)))
    return Crowd(answers_s=answers, errors=errors, foreign=foreign)


def resident_megabytes(process: int) -> float:
    """Memory of a process and its children, from /proc."""
    pages = int((Path("/proc") / str(process) / "statm").read_text().split()[1])
    return pages * 4096 / _MEGABYTE
