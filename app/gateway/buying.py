"""One run of purchases: who asks next, who waits, what is learned, and when the run stops."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from random import Random
from time import monotonic

from app.errors import EndpointFailure
from app.gateway.asking import Call, attempt
from app.gateway.calls import Purchase, Request, Target
from app.gateway.faults import Fault, place
from app.gateway.limits import Limits
from app.gateway.parameters import Traits
from app.gateway.queueing import WaitingRoom
from app.gateway.saving import Saver
from app.gateway.waiting import Pace, backoff
from app.gateway.wire import Wire

Permit = Callable[[Request], bool]
Learned = Callable[[str, frozenset[str], tuple[tuple[str, str], ...]], None]
Server = tuple[str, str]  # base URL and key

# A request that hangs may use this share of the time that is left, so that another can follow it.
ATTEMPT_SHARE = 2 / 3
# Calls that may wait for each worker before no fresh one is taken: a broken server is not asked everything once.
WAITING_PER_WORKER = 4
NOT_AGAIN = "The cap on calls was spent, or the run was stopped, before this request could be sent again."
LONGEST_WAIT = 3600.0


class Run:
    """A fixed number of workers over one iterator of requests.

    A worker takes a call that is due again, else a fresh one while not too many wait.
    A call that must wait leaves its worker; it comes back through `_due`. All state belongs to one event loop.
    """

    def __init__(
        self, requests: Iterator[Request], limits: Limits, permit: Permit, saver: Saver, learned: Learned
    ) -> None:
        self._requests = requests
        self._limits = limits
        self._permit = permit
        self._saver = saver
        self._learned = learned
        self._dice = Random()
        self._wires: dict[Server, Wire] = {}
        self._paces: dict[Server, Pace] = defaultdict(lambda: Pace(limits.in_flight))
        self._traits: dict[str, Traits] = {}
        self._told: dict[str, Traits] = {}
        self._room: WaitingRoom[Call] = WaitingRoom()
        self._resting: set[Server] = set()
        self._open = 0
        self._exhausted = self._stopped = self._ended = False
        self._in_a_row = self._gave_up_after = 0
        self._failed: list[str] = []
        self._lasting = ""
        self._wait = 0.0
        self.cap_spent = False

    async def work(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                workers = [group.create_task(self._worker()) for _ in range(self._limits.in_flight)]
                ticking = group.create_task(self._saver.tick())
                await asyncio.wait(workers)
                ticking.cancel()
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from None
        finally:
            for wire in self._wires.values():
                await wire.close()
        self._saver.finish()

    def conclude(self) -> None:
        """Raises EndpointFailure when calls failed: lasting when asking again will not help."""
        if self._lasting:
            raise EndpointFailure(self._lasting, lasting=True)
        if self._failed and not self.cap_spent:
            raise EndpointFailure(self._summary(), wait=min(self._wait, LONGEST_WAIT))

    def _summary(self) -> str:
        if len(self._failed) == 1:
            return self._failed[0]
        early = f", {self._gave_up_after} of them in a row, so no more were started" if self._gave_up_after else ""
        return f"{len(self._failed)} calls failed{early}. The last one: {self._failed[-1]}"

    async def _worker(self) -> None:
        while (call := await self._next()) is not None:
            if self._admitted(call):
                await self._attempt(call)
            self._let_in(_server(call))

    def _let_in(self, server: Server) -> None:
        """Send for the calls that wait for this server, or see that it is done when its rest is over."""
        if not self._room.parked_at(server):
            return
        if not (rest := self._paces[server].rest()):
            self._room.release(server, self._paces[server].room)
        elif server not in self._resting:
            self._resting.add(server)
            asyncio.get_running_loop().call_later(rest, self._reopen, server)

    def _reopen(self, server: Server) -> None:
        self._resting.discard(server)
        self._let_in(server)

    async def _next(self) -> Call | None:
        """A call that is due again, else a fresh one, else whatever becomes due; None at the end."""
        crowd = self._limits.in_flight * WAITING_PER_WORKER
        if not self._room.due and not self._stopped and self._room.held < crowd:
            request = None if self._exhausted else next(self._requests, None)
            if request is not None:
                self._open += 1
                return Call(request, request.target)
            self._exhausted = True
        if (self._exhausted or self._stopped) and not self._open and not self._ended:
            self._ended = True
            self._room.close(self._limits.in_flight)
        return await self._room.take()

    def _admitted(self, call: Call) -> bool:
        """May this call be sent now? If not, it was put where it waits, or was settled."""
        pace = self._paces[_server(call)]
        if self._stopped:
            self._give_up(call)
        elif call.attempts and monotonic() >= call.deadline:
            self._fail(call)
        elif pace.rest() or pace.room <= 0:
            self._room.park(call, _server(call))
        elif self._opened(call):
            if self._permit(call.request):
                return True
            self.cap_spent = True
            self._stop()
            self._give_up(call)
        return False

    def _opened(self, call: Call) -> bool:
        """Is there a wire to this call's server? One that cannot be made stops the run."""
        if _server(call) not in self._wires:
            try:
                self._wires[_server(call)] = Wire(*_server(call), self._limits)
            except EndpointFailure as failure:
                self._settle(call, Fault(str(failure), lasting=True))
                return False
        return True

    async def _attempt(self, call: Call) -> None:
        pace = self._paces[_server(call)]
        pace.under_way += 1
        try:
            outcome = await self._ask(call)
        finally:
            pace.under_way -= 1
        self._settle(call, outcome)

    async def _ask(self, call: Call) -> Purchase | Fault | Traits:
        call.attempts += 1
        if call.attempts == 1:
            call.deadline = monotonic() + self._limits.call_deadline
        left = call.deadline - monotonic()
        seconds = left if call.attempts == self._limits.call_attempts else left * ATTEMPT_SHARE
        call.traits = self._known(call.target)
        wire = self._wires[_server(call)]
        return await attempt(wire, call, seconds, self._limits.connect_seconds)

    def _settle(self, call: Call, outcome: Purchase | Fault | Traits) -> None:
        pace = self._paces[_server(call)]
        if isinstance(outcome, Purchase):
            self._in_a_row = 0
            pace.answered()
            self._confirm(call)
            self._close(outcome)
        elif isinstance(outcome, Traits):
            endpoint = call.target.endpoint
            self._traits[endpoint] = outcome.joined(self._traits.get(endpoint, Traits()))
            self._again(call, 0.0, f"{place(call.target)} refuses the parameters it is sent.")
        elif outcome.lasting:
            self._lasting = self._lasting or outcome.sentence
            self._stop()
            call.fault = outcome.sentence
            self._give_up(call)
        else:
            wait = backoff(call.attempts, self._dice) if outcome.wait is None else outcome.wait
            if wait < self._limits.call_deadline:
                pace.failed(outcome.wait, outcome.crowded)
            else:
                self._wait = max(self._wait, wait)
            self._again(call, wait, outcome.sentence)

    def _confirm(self, call: Call) -> None:
        """Tell what was learned once it has worked: a misread refusal is not remembered."""
        target = call.target
        if target.endpoint in self._traits and call.traits == self._known(target) != self._told.get(target.endpoint):
            self._told[target.endpoint] = call.traits
            self._learned(target.endpoint, call.traits.dropped, call.traits.renamed)

    def _known(self, target: Target) -> Traits:
        """What was known of the endpoint before this run, and what the run learned."""
        before = Traits.of(target)
        return before.joined(self._traits[target.endpoint]) if target.endpoint in self._traits else before

    def _again(self, call: Call, wait: float, sentence: str) -> None:
        call.fault = sentence
        if self._stopped:
            self._give_up(call)
        elif call.attempts >= self._limits.call_attempts or monotonic() + wait >= call.deadline:
            self._fail(call)
        elif wait:
            self._room.later(call, wait)
        else:
            self._room.now(call)

    def _fail(self, call: Call) -> None:
        self._failed.append(call.fault)
        self._in_a_row += 1
        if self._in_a_row >= self._limits.failures_tolerated and not self._stopped:
            self._gave_up_after = self._in_a_row
            self._stop()
        self._close(call.failed(call.fault))

    def _stop(self) -> None:
        """Start nothing more; what is under way goes on, what waits is given up."""
        self._stopped = True
        for call in self._room.drain():
            self._give_up(call)

    def _give_up(self, call: Call) -> None:
        """Settle a call that will not be tried again because the run stops."""
        if not call.attempts:
            self._open -= 1
        else:
            self._failed.append(call.fault)
            self._close(call.failed(NOT_AGAIN if self.cap_spent else call.fault))

    def _close(self, purchase: Purchase) -> None:
        self._open -= 1
        self._saver.add(purchase)


def _server(call: Call) -> Server:
    return call.target.base_url, call.target.api_key
