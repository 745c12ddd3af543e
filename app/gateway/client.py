"""The gateway's face: buy these calls, under this cap, and hand over what was bought as it comes."""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from app.gateway.allowing import Shared
from app.gateway.buying import Permit, Run
from app.gateway.calls import Purchase, Request
from app.gateway.learning import Learned
from app.gateway.limits import Limits
from app.gateway.saving import Saver


def purchase(
    requests: Iterable[Request],
    *,
    limits: Limits,
    permit: Permit,
    record: Callable[[Sequence[Purchase]], None],
    learned: Learned,
    shared: Shared | None = None,
) -> bool:
    """Buy every request; False when the cap was spent before the last one, else True.

    `permit` reserves one HTTP request for the call it is told, and is asked before every one of them, retries and
    fallbacks included; once it says no, nothing is started any more. `record` gets what was bought in batches, in the
    order of arrival, and an empty batch as a beat; when it raises, everything under way is cancelled and the exception
    goes through. `learned` is told which parameters an endpoint turned out to refuse or rename: all of them, not only
    the new ones. All three are called from the calling thread. `shared` are the limits kept with other processes.

    Raises EndpointFailure after everything that came was recorded: lasting for what a person must mend (key, model,
    address), else when calls failed although they were retried. Must not be called where an event loop runs.
    """
    saver = Saver(record, limits)
    run = Run(iter(requests), limits, permit, saver, learned, shared)
    try:
        asyncio.run(run.work())
    except BaseException:
        saver.rescue()
        raise
    run.conclude()
    return not run.cap_spent
