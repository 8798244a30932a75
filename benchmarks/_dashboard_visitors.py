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
_PATIENCE_S = 60.0


class Crowd(Struct, frozen=True, kw_only=True):
    """What a crowd saw.

    Attributes:
        answers_s: From a moved slider to the end of the page's run, of every move.
        errors: Exceptions on a page, or moves without an answer.
        foreign: Answers that held another visitor's target.
    """

    answers_s: list[float]
    errors: int
    foreign: int


class Visitor:
    """One session: its own target, and what the page says about it."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self._socket = socket
        self._page = ""
        self._slider = ""
        self._others: dict[str, WidgetState] = {}
        self.low = self.high = 0.0
        self.title = ""
        self.errors = 0

    async def open(self) -> None:
        """The first run of the page."""
        await self._socket.send(self._rerun(None))
        await self._until_finished()

    async def move(self, target: float) -> float:
        """Move the slider; seconds until the page has run with the new target."""
        started = time.perf_counter()
        self.title = ""
        await self._socket.send(self._rerun(target))
        await self._until_finished()
        return time.perf_counter() - started

    def _rerun(self, target: float | None) -> bytes:
        message = BackMsg()
        state = message.rerun_script
        state.page_script_hash = self._page
        state.context_info.locale = "en-GB"
        if target is not None:
            moved = WidgetState(id=self._slider)
            moved.double_array_value.data.append(target)
            state.widget_states.widgets.append(moved)
        return bytes(message.SerializeToString())

    async def _until_finished(self) -> None:
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                data = await self._socket.recv()
                message = ForwardMsg()
                message.ParseFromString(data if isinstance(data, bytes) else data.encode())
                kind = message.WhichOneof("type")
                if kind == "new_session":
                    self._page = message.new_session.page_script_hash
                elif kind == "delta" and message.delta.HasField("new_element"):
                    self._read(message.delta.new_element)
                elif kind == "script_finished" and message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                    return

    def _read(self, element: object) -> None:
        kind = element.WhichOneof("type")  # type: ignore[attr-defined]
        if kind == "slider" and not self._slider:
            slider = element.slider  # type: ignore[attr-defined]
            self._slider, self.low, self.high = slider.id, slider.min, slider.max
        elif kind == "slider":
            self._slider = element.slider.id  # type: ignore[attr-defined]
        elif kind == "heading" and element.heading.tag == "h1":  # type: ignore[attr-defined]
            self.title = element.heading.body  # type: ignore[attr-defined]
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
        async with websockets.connect(address, max_size=None, subprotocols=["streamlit"]) as socket:  # type: ignore[list-item]
            visitor = Visitor(socket)
            await asyncio.sleep(dice.uniform(0, think_s))
            await visitor.open()
            steps = max(round((visitor.high - visitor.low) * 100) - 1, 1)
            for move in range(moves):
                await asyncio.sleep(dice.uniform(0.5, 1.5) * think_s)
                # No two visitors ever have the same target at the same move.
                target = round(visitor.low + (1 + (number + move * 7) % steps) / 100, 2)
                try:
                    answers.append(await visitor.move(target))
                except TimeoutError:
                    errors += 1
                    continue
                if f"{target:.2f}" not in visitor.title:
                    foreign += 1
            errors += visitor.errors

    await asyncio.gather(*(one(number) for number in range(visitors)))
    return Crowd(answers_s=answers, errors=errors, foreign=foreign)


def resident_megabytes(process: int) -> float:
    """Memory of a process and its children, from /proc."""
    pages = int((Path("/proc") / str(process) / "statm").read_text().split()[1])
    return pages * 4096 / _MEGABYTE
