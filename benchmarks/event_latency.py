"""From a report in a worker to the client that watches the job.

python benchmarks/event_latency.py [--json FILE]
"""

from __future__ import annotations

import time

from service_under_test import Figure, at_least, at_most, percentile, report, service, warm_up

EVENTS = 400
FLOOD = 20_000


def main() -> None:
    """Watch a job that reports now and then, and one that reports as fast as it can."""
    with service(slots=1) as under_test:
        warm_up(under_test)
        calm = under_test.watch(under_test.submit("reporting", events=EVENTS, period_s=0.01))
        late_ms = [1000 * (time.time() - event.metric.value) for event in calm if event.metric.name == "sent_s"]
        flood = under_test.watch(under_test.submit("reporting", events=FLOOD))
        times_s = [time.perf_counter() for event in flood if event.metric.name == "sent_s"]
    report(
        f"Event from worker to watching client ({EVENTS} events, 100 a second)",
        [
            Figure("late by, p50", percentile(late_ms, 0.5), "ms"),
            at_most("late by, p95", percentile(late_ms, 0.95), "ms", 50.0),
            at_least("events of a flood that arrive", float(len(times_s)), "", float(FLOOD)),
            Figure("events a second in a flood", len(times_s) / (times_s[-1] - times_s[0]), "/s"),
        ],
    )


if __name__ == "__main__":
    main()
