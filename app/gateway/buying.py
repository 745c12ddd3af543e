"""One run of purchases: who asks next and whom, who waits, and when the run stops."""

import asyncio
from collections.abc import Callable, Iterator
from random import Random
from time import monotonic

from app.errors import EndpointFailure
from app.gateway.allowing import Shared
from app.gateway.asking import Call, attempt
from app.gateway.calls import Purchase, Request, Target
from app.gateway.faults import Fault, place
from app.gateway.learning import Learned, Lessons
from app.gateway.limits import Limits
from app.gateway.parameters import Traits
from app.gateway.queueing import Line, WaitingRoom
from app.gateway.saving import Saver
from app.gateway.waiting import backoff, until_reset
from app.gateway.wire import Wire

Permit = Callable[[Request], bool]
Outcome = Purchase | Fault | Traits

# A request that hangs may use this share of the time that is left, so that another can follow it.
ATTEMPT_SHARE = 2 / 3
# With less time left than this (in seconds) nothing is sent again: it could be paid for and not be received.
SHORTEST_ATTEMPT = 0.1
# For each worker: calls that may sleep between two attempts at one server, and calls that may wait for anything.
# The second is the larger, so that a server without room does not keep those behind it from another server.
CROWD, HELD = 4, 64
NOT_AGAIN = "The cap on calls was spent, or the run was stopped, before this request could be sent again."
LONGEST_WAIT = 3600.0
BEAT_SECONDS = 1.0


class Run:
    """A fixed number of workers over one iterator of requests.

    A worker takes a call that is due again, else a fresh one while not too many wait. A call that must wait leaves its
    worker: it sleeps until a time, or is parked until its server has room. All state belongs to one event loop.

    A call's deadline runs from its first attempt, also while it waits for a server that is down. Its attempts are
    counted by endpoint, but for probes of a server that worked before and is down: a call is not to blame for those.
    """

    def __init__(
        self,
        requests: Iterator[Request],
        limits: Limits,
        permit: Permit,
        saver: Saver,
        learned: Learned,
        shared: Shared | None = None,
    ) -> None:
        self._shared = shared
        self._requests = requests
        self._limits = limits
        self._permit = permit
        self._saver = saver
        self._lessons = Lessons(learned)
        self._dice = Random()
        self._lines: dict[tuple[str, str], Line] = {}
        self._dead: dict[str, str] = {}  # endpoint -> why asking it again will not help
        self._room = WaitingRoom()
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
                beating = group.create_task(self._beat())
                await asyncio.wait(workers)
                ticking.cancel()
                beating.cancel()
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from None
        finally:
            for line in self._lines.values():
                await line.close()
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
            if line := self._admitted(call):
                self._settle(call, line, *await self._sent(call, line))
            self._let_in(line or self._line(call.target))

    def _line(self, target: Target) -> Line:
        server = target.base_url, target.api_key
        if server not in self._lines:
            allowance = self._shared.allowance(target) if self._shared else None
            self._lines[server] = Line(self._limits.in_flight, self._limits.in_flight * CROWD, allowance)
        return self._lines[server]

    async def _beat(self) -> None:
        """Hear of the limits that all workers share, and let in who waited for them."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            for line in self._lines.values():
                line.beat()
                self._let_in(line)

    def _let_in(self, line: Line) -> None:
        """Send for the calls that are parked here, or see that it is done when the server's rest is over."""
        if not line.parked:
            return
        if not (rest := line.pace.rest()):
            self._room.release(line, line.room)
        elif not line.reopening:
            line.reopening = True
            asyncio.get_running_loop().call_later(rest, self._reopen, line)

    def _reopen(self, line: Line) -> None:
        line.reopening = False
        self._let_in(line)

    async def _next(self) -> Call | None:
        """A call that is due again, else a fresh one, else whatever becomes due; None at the end."""
        if not self._room.due and not self._stopped and self._room.held < self._limits.in_flight * HELD:
            request = None if self._exhausted else next(self._requests, None)
            if request is not None:
                self._open += 1
                return Call(request, (request.target, *request.fallbacks))
            self._exhausted = True
        if (self._exhausted or self._stopped) and not self._open and not self._ended:
            self._ended = True
            self._room.close(self._limits.in_flight)
        return await self._room.take()

    def _admitted(self, call: Call) -> Line | None:
        """The line on which this call may be sent now; without one it was put where it waits, or was settled."""
        if self._stopped:
            self._give_up(call)
        elif call.attempts and monotonic() + SHORTEST_ATTEMPT >= call.deadline:
            self._wait = max(self._wait, self._line(call.target).pace.rest())
            self._fail(call)
        elif self._placed(call):
            line = self._line(call.target)
            if line.room <= 0:
                self._room.park(call, line, call.deadline - monotonic() if call.attempts else None)
            elif self._opened(call, line):
                return self._allowed(call, line)
        return None

    def _allowed(self, call: Call, line: Line) -> Line | None:
        """The line, when neither the limits a minute nor a cap stand in the way."""
        if not line.granted(call.request):
            self._room.park(call, line, call.deadline - monotonic() if call.attempts else None)
        elif self._permit(call.request):
            return line
        else:
            self.cap_spent = True
            self._stop()
            self._give_up(call)
        return None

    def _placed(self, call: Call) -> bool:
        """Turn the call to the endpoint that is asked next; when none is left for it, it is settled."""
        choice = self._choice(call)
        if choice is not None:
            call.at = choice
            return True
        dead = [self._dead[target.endpoint] for target in call.route if target.endpoint in self._dead]
        if len(dead) < len(call.route):
            self._fail(call)
        else:
            self._lasting = self._lasting or dead[0]
            self._stop()
            call.fault = dead[0]
            self._give_up(call)
        return False

    def _choice(self, call: Call) -> int | None:
        """The first endpoint that works, as far as is known, or that a probe may try; else the one that rests least."""
        down: list[tuple[float, int]] = []
        for at, target in enumerate(call.route):
            if target.endpoint in self._dead or call.tries[at] >= self._limits.call_attempts:
                continue
            pace = self._line(target).pace
            if not pace.down or pace.room > 0:
                return at
            down.append((pace.rest(), at))
        return min(down)[1] if down else None

    def _opened(self, call: Call, line: Line) -> bool:
        """Is there a wire to this server? One that cannot be made is a lasting fault."""
        if line.wire is None:
            try:
                line.wire = Wire(call.target.base_url, call.target.api_key, self._limits)
            except EndpointFailure as failure:
                self._mourn(call, line, str(failure))
                return False
        return True

    async def _sent(self, call: Call, line: Line) -> tuple[Outcome, bool]:
        """What one attempt brought, and whether it was a probe."""
        assert line.wire is not None
        call.attempts += 1
        if call.attempts == 1:
            call.deadline = monotonic() + self._limits.call_deadline
        call.traits = self._lessons.known(call.target)
        probe = line.pace.begin()
        sent = line.pace.sent
        try:
            outcome = await attempt(line.wire, call, self._seconds(call), self._limits.connect_seconds)
        finally:
            line.pace.end(probe)
        if call.headers and not (isinstance(outcome, Fault) and outcome.wait is not None):
            tokens = outcome.tokens if isinstance(outcome, Purchase) else 0
            if reset := until_reset(call.headers, line.pace.sent - sent, tokens):
                line.pace.pause(reset)
        return outcome, probe

    def _seconds(self, call: Call) -> float:
        """How long this attempt may take: all that is left when no other can follow it."""
        left = call.deadline - monotonic()
        last = call.tries[call.at] >= self._limits.call_attempts - 1 and call.target is call.route[-1]
        return left if last else left * ATTEMPT_SHARE

    def _settle(self, call: Call, line: Line, outcome: Outcome, probe: bool) -> None:
        if isinstance(outcome, Fault):
            if outcome.lasting:
                self._mourn(call, line, outcome.sentence)
            else:
                self._bear(call, line, outcome, probe)
            line.over(call.request, outcome)
            return
        line.over(call.request, outcome)
        if line.pace.answered():
            self._look_again()
        if isinstance(outcome, Purchase):
            self._in_a_row = 0
            self._lessons.confirm(call.target, call.traits)
            self._close(outcome)
        else:
            self._lessons.learn(call.target, outcome)
            # Lessons end by themselves, as each leaves something out: several in a row use no attempts up.
            call.tries[call.at] += outcome == call.traits
            self._again(call, line, 0.0, f"{place(call.target)} refuses the parameters it is sent.")

    def _look_again(self) -> None:
        """A server lives again: whoever waits for another one may ask it."""
        for line in self._lines.values():
            self._room.release(line, len(line.parked))

    def _mourn(self, call: Call, line: Line, sentence: str) -> None:
        self._dead.setdefault(call.target.endpoint, sentence)
        self._again(call, line, 0.0, sentence)

    def _bear(self, call: Call, line: Line, fault: Fault, probe: bool) -> None:
        """Count a fault that may pass; the call goes on to a fallback, or waits and tries again."""
        longest = self._limits.call_deadline
        if not (probe and line.pace.lived) or self._limits.call_attempts == 1:
            call.tries[call.at] += 1
        wait = backoff(max(1, call.tries[call.at]), self._dice) if fault.wait is None else fault.wait
        if wait < longest:
            line.pace.failed(fault.wait, fault.crowded, probe)
        elif len(call.route) > 1:
            line.pace.failed(longest, crowded=False, probe=probe)
        else:
            self._wait = max(self._wait, wait)
        if monotonic() + wait + SHORTEST_ATTEMPT >= call.deadline:
            call.tries[call.at] = self._limits.call_attempts
        self._again(call, line, wait, fault.sentence)

    def _again(self, call: Call, line: Line, wait: float, sentence: str) -> None:
        call.fault = sentence
        asked = call.target
        if self._stopped:
            self._give_up(call)
        elif self._placed(call):
            if wait and call.target is asked and not line.pace.down:
                self._room.later(call, line, wait)
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
        for call in self._room.drain(self._lines.values()):
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
