"""Who gets in, and who may change what."""

from __future__ import annotations

import pytest
from tests.gateway.dashboard.conftest import Dashboard

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGES = ["/", "/jobs", "/plugins", "/artifacts", "/deployments", "/tokens", "/login", "/nowhere"]


async def test_every_page_forbids_foreign_code(dashboard: Dashboard) -> None:
    async with dashboard.client() as client:
        responses = [await client.get(path) for path in PAGES]
    for response in responses:
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["cache-control"] == "no-store"


async def test_a_page_without_a_token_leads_to_the_login_and_back(dashboard: Dashboard) -> None:
    async with dashboard.client(role="") as client:
        asked = await client.get("/jobs?state=FAILED")
        assert (asked.status_code, asked.headers["location"]) == (303, "/login?next=%2Fjobs%3Fstate%3DFAILED")
        signed = await client.post("/login", data={"token": " viewer \n", "next": "/jobs?state=FAILED"})
    assert (signed.status_code, signed.headers["location"]) == (303, "/jobs?state=FAILED")
    cookie = signed.headers["set-cookie"].lower()
    assert cookie.startswith("palmette_token=viewer;")
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


async def test_a_wrong_token_is_refused_with_what_to_do(dashboard: Dashboard) -> None:
    async with dashboard.client(role="") as client:
        response = await client.post("/login", data={"token": "<script>alert(1)</script>", "next": "/"})
    assert response.status_code == 401
    assert "ask an admin for a new one" in response.text
    assert "set-cookie" not in response.headers
    assert "<script>alert(1)" not in response.text


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
async def test_the_login_leads_to_no_other_site(dashboard: Dashboard, target: str) -> None:
    async with dashboard.client(role="") as client:
        response = await client.post("/login", data={"token": "viewer", "next": target})
    assert response.headers["location"] == "/"


async def test_signing_out_forgets_the_token(dashboard: Dashboard) -> None:
    async with dashboard.client() as client:
        response = await client.post("/logout")
    assert response.headers["location"] == "/login"
    assert 'palmette_token=""' in response.headers["set-cookie"]


async def test_a_role_in_the_request_is_not_believed(dashboard: Dashboard) -> None:
    async with dashboard.client(role="") as client:
        response = await client.get("/", headers={"x-palmette-role": "admin", "x-palmette-user": "mallory"})
    assert response.status_code == 303


CHANGES = [
    ("/jobs/{job}/cancel", "operator"),
    ("/jobs/{job}/retry", "operator"),
    ("/jobs/{job}/delete", "admin"),
    ("/plugins/pruning_growth/random-pruning", "operator"),
    ("/artifacts/{artifact}/delete", "admin"),
    ("/deployments", "operator"),
    ("/deployments/clothes/rollback", "operator"),
    ("/deployments/clothes/delete", "admin"),
    ("/tokens", "admin"),
]


def _address(dashboard: Dashboard, path: str) -> str:
    _, service, _, identifier = dashboard.training.split("/")
    artifact = next(iter(dashboard.suite.artifacts.artifacts)).removeprefix("artifacts/")
    return path.format(job=f"{service}/{identifier}", artifact=artifact)


@pytest.mark.parametrize(("path", "least"), CHANGES)
async def test_a_role_below_the_least_is_refused(dashboard: Dashboard, path: str, least: str) -> None:
    below = {"operator": "viewer", "admin": "operator"}[least]
    async with dashboard.client(below) as client:
        response = await client.post(_address(dashboard, path))
    assert response.status_code == 403
    assert f"needs the role {least}" in response.text


@pytest.mark.parametrize("origin", ["", "https://evil.example", "null"])
async def test_a_change_from_elsewhere_is_refused(dashboard: Dashboard, origin: str) -> None:
    async with dashboard.client("admin") as client:
        for path, _ in CHANGES:
            response = await client.post(_address(dashboard, path), headers={"origin": origin})
            assert response.status_code == 403
            assert "nothing was changed" in response.text
    assert dashboard.training in dashboard.suite.store.jobs


@pytest.mark.parametrize("path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/css/..%2f..%2fports.py"])
async def test_static_files_stay_in_their_folder(dashboard: Dashboard, path: str) -> None:
    async with dashboard.client() as client:
        response = await client.get(path)
    assert response.status_code == 404
    assert "SuiteApi" not in response.text


async def test_versioned_static_files_are_kept_by_the_browser(dashboard: Dashboard) -> None:
    async with dashboard.client() as client:
        response = await client.get("/static/css/base.css?v=1")
    assert "immutable" in response.headers["cache-control"]


async def test_a_page_whose_token_ran_out_leads_to_the_login(dashboard: Dashboard) -> None:
    async with dashboard.client(role="") as client:
        stream = await client.get("/live/overview", headers={"accept": "text/event-stream"})
        fragment = await client.get("/jobs", headers={"hx-request": "true"})
    assert (stream.status_code, fragment.status_code) == (401, 401)
    assert fragment.headers["hx-redirect"] == "/login"
