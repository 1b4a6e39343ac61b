"""From SubmitJob to the first line of the method, with everything warm.

python benchmarks/submit_latency.py [--json FILE]
"""

from __future__ import annotations

import time

from service_under_test import Figure, at_most, percentile, report, service, warm_up

JOBS = 40


def main() -> None:
    """Submit one job after the other; the method itself notes when it started."""
    started_ms, accepted_ms = [], []
    with service(slots=2) as under_test:
        warm_up(under_test)
        for _ in range(JOBS):
            submit_s = time.time()
            name = under_test.submit("reporting", events=0)
            accepted_ms.append(1000 * (time.time() - submit_s))
            job = under_test.wait(name)
            started_ms.append(1000 * (job.metrics["started_s"] - submit_s))
    report(
        f"Submit to method running ({JOBS} jobs, warm)",
        [
            at_most("method runs after, p50", percentile(started_ms, 0.5), "ms", 250.0),
            Figure("method runs after, p95", percentile(started_ms, 0.95), "ms"),
            Figure("accepted after, p50", percentile(accepted_ms, 0.5), "ms"),
        ],
    )


if __name__ == "__main__":
    main()
