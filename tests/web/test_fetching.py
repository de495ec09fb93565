"""What the portal fetches of a bucket: seen, stopped, told when it fails."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from cellfolio.package.entry import Entry
from cellfolio.package.package import Package
from cellfolio.storage.home import Home
from cellfolio.web.jobs import RUNNING, WAITING
from cellfolio.workflows.publishing import save
from tests.servers.faults import Answer, Delay, FaultProxy, On
from tests.web.conftest import OpenPortal
from tests.web.published import HOSTILE, NAME, Revisions, build_revisions, publish

FILES = 7 + len(HOSTILE)
"""Files of the second revision: four images, README, two tables and the hostile names."""


@pytest.fixture
def published(
    tmp_path: Path,
    bucket: str,
    s3_env: dict[str, str],
    fault_proxy: FaultProxy,
    monkeypatch: pytest.MonkeyPatch,
) -> Revisions:
    """A package in a bucket that is reached through the proxy; nothing of it is here."""
    author = Home(tmp_path / "author")
    found = publish(build_revisions(tmp_path / "plates", author), bucket, author)
    monkeypatch.setenv("AWS_ENDPOINT_URL", fault_proxy.endpoint)
    return found


@pytest.fixture
def url(open_portal: OpenPortal, published: Revisions, bucket: str) -> str:
    return open_portal(f"s3://{bucket}/{NAME}").url


def wait_for(ask: Callable[[], Any], wanted: Callable[[Any], bool], seconds: float = 30.0) -> Any:
    until = time.monotonic() + seconds
    while not wanted(found := ask()):
        assert time.monotonic() < until, found
        time.sleep(0.05)
    return found


def job_of(client: httpx.Client, url: str, name: str) -> dict[str, Any]:
    listed: list[dict[str, Any]] = client.get(api(url, "jobs"), params={"id": name}).json()["jobs"]
    return listed[0]


def api(url: str, path: str) -> str:
    return str(httpx.URL(url).join(f"/api/{path}"))


def fetch(client: httpx.Client, url: str, path: str = "") -> dict[str, Any]:
    answer = client.post(api(url, f"fetch/{NAME}{path}"))
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json()
    return found


def over(job: dict[str, Any]) -> bool:
    return job["state"] in ("done", "failed", "stopped")


def test_all_is_fetched_and_then_here(client: httpx.Client, url: str) -> None:
    page = client.get(url).text
    assert "Nothing on this machine yet" in page
    job = fetch(client, url)
    done = wait_for(lambda: job_of(client, url, job["id"]), over)
    assert (done["state"], done["files_done"]) == ("done", FILES)
    assert "All on this machine" in client.get(url).text
    again = wait_for(lambda: job_of(client, url, fetch(client, url)["id"]), over)
    assert (again["state"], again["files_total"]) == ("done", 0), "nothing twice"


def test_folder_and_file_are_fetched_alone(client: httpx.Client, url: str) -> None:
    for path, files in (("/images", 4), ("/wells.csv", 1)):
        job = fetch(client, url, path)
        done = wait_for(partial(job_of, client, url, job["id"]), over)
        assert (done["state"], done["files_done"]) == ("done", files)
    assert "in 5 files on this machine" in client.get(url).text


def test_slow_fetch_is_stopped_and_goes_on_later(
    client: httpx.Client, url: str, fault_proxy: FaultProxy
) -> None:
    slow = Delay(when=On("GET", "/images/"), seconds=3.0)
    fault_proxy.add(slow)
    job = fetch(client, url)
    wait_for(lambda: job_of(client, url, job["id"]), lambda one: one["files_done"] >= FILES - 4)
    assert fetch(client, url)["id"] == job["id"], "the same place is not fetched twice at a time"
    client.post(api(url, "cancel"), params={"id": job["id"]})
    stopped = wait_for(lambda: job_of(client, url, job["id"]), over)
    assert (stopped["state"], stopped["files_done"]) == ("stopped", FILES - 4)
    fault_proxy.clear()
    job = fetch(client, url)
    done = wait_for(lambda: job_of(client, url, job["id"]), over)
    assert done["state"] == "done"
    assert done["files_total"] <= 4, "what had arrived was kept"


def test_failure_is_told_and_the_rest_is_kept(
    client: httpx.Client, url: str, fault_proxy: FaultProxy
) -> None:
    fault_proxy.add(Answer(when=On("GET", "/s2.tiff"), status=404))
    job = fetch(client, url)
    failed = wait_for(lambda: job_of(client, url, job["id"]), over)
    assert (failed["state"], failed["files_done"]) == ("failed", FILES)
    assert f"1 of {FILES} files failed" in failed["failures"][0]["error"]
    page = client.get(url).text
    assert f"1 of {FILES} files failed" in page
    assert "Get the rest" in page


def test_only_so_much_is_fetched_at_a_time(
    client: httpx.Client, open_portal: OpenPortal, s3_env: dict[str, str], bucket: str
) -> None:
    with FaultProxy(s3_env["AWS_ENDPOINT_URL"], Delay(seconds=20)) as proxy:
        entries = [Entry(f"f{one}", f"{proxy.endpoint}/{bucket}/{one}", 3) for one in range(30)]
        save(Package.of(entries), NAME, Home())
        url = open_portal().url
        answers = [client.post(api(url, f"fetch/{NAME}/f{one}")) for one in range(30)]
        assert [one.status_code for one in answers].count(202) == RUNNING + WAITING
        refused = answers[-1]
        assert refused.status_code == 503
        assert "wait until some are done" in refused.json()["hint"]
        states = [one["state"] for one in client.get(api(url, "jobs")).json()["jobs"]]
        assert states.count("queued") == WAITING


def test_nothing_is_begun_by_a_page_of_others(client: httpx.Client, url: str) -> None:
    for headers in ({"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}):
        assert client.post(api(url, f"fetch/{NAME}"), headers=headers).status_code == 403
    assert client.get(api(url, f"fetch/{NAME}")).status_code == 405
    assert client.get(api(url, "jobs")).json() == {"jobs": []}


def test_revisions_of_the_bucket_are_listed(
    client: httpx.Client, url: str, published: Revisions
) -> None:
    lines = client.get(api(url, f"revisions/{NAME}")).json()["revisions"]
    assert [one["top_hash"] for one in lines] == [
        published.second.top_hash,
        published.first.top_hash,
    ]
    first = client.get(api(url, f"entries/{NAME}@{published.first.top_hash[:12]}")).json()
    assert "gone.csv" in [one["key"] for one in first["children"]]


def test_fetching_is_seen_and_stopped_in_a_browser(
    tab: Page, url: str, fault_proxy: FaultProxy
) -> None:
    fault_proxy.add(Delay(when=On("GET", "/images/"), seconds=8.0))
    tab.goto(url)
    tab.get_by_role("button", name="Get it all").click()
    expect(tab.locator(".job")).to_contain_text(f"{FILES - 4} of {FILES} files", timeout=15_000)
    expect(tab.get_by_role("progressbar")).to_be_visible()
    tab.get_by_role("link", name="Fetching", exact=True).click()
    tab.get_by_role("button", name="Stop").click()
    expect(tab.locator(".job")).to_contain_text("Stopped", timeout=20_000)
    fault_proxy.clear()
    tab.goto(url)
    tab.get_by_role("button", name="Get the rest").click()
    expect(tab.locator("#summary")).to_contain_text("All on this machine", timeout=20_000)
