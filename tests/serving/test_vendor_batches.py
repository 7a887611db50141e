"""A vendor's batches over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import pytest
import pytest_asyncio

from shortstop.dialects import BatchApi, upstream_dialects
from shortstop.dialects.anthropic.batching import AnthropicBatchApi
from shortstop.dialects.openai.batching import OpenAIBatchApi
from shortstop.errors import PrivacyRefused, UpstreamFailed, UpstreamRejected
from shortstop.serving.http import Egress, Timeouts
from shortstop.serving.vendor_batches import RemoteBatches
from shortstop.types import Clearance, Cleared, Message, Reach, Request, Text, Tier
from tests.server.batch_vendor import BatchVendor

pytestmark = pytest.mark.asyncio
APIS: dict[str, tuple[BatchApi, str]] = {
    "openai": (OpenAIBatchApi("/v1/chat/completions"), "/v1"),
    "anthropic": (AnthropicBatchApi(), ""),
}


@pytest_asyncio.fixture
async def vendor() -> AsyncIterator[BatchVendor]:
    async with BatchVendor().running() as running:
        yield running


@pytest.fixture(params=list(APIS))
def batches(request: pytest.FixtureRequest, vendor: BatchVendor) -> RemoteBatches:
    name: str = request.param
    api, base = APIS[name]
    egress = Egress(
        vendor.url + base, targets=frozenset(["far"]), headers={}, timeouts=Timeouts(total=5)
    )
    dialect = upstream_dialects()[name]

    def encode(asked: Request) -> bytes:
        return dialect.encode_request(asked, "m")

    def headers() -> Mapping[str, str]:
        return {"x-key": "k"}

    return RemoteBatches(api, egress, dialect, encode, headers, lambda asked: bool(asked.betas))


def cleared(said: str, reach: Reach = Reach.ANYWHERE, betas: tuple[str, ...] = ()) -> Cleared:
    messages = (Message("user", (Text(said),)),)
    asked = Request("req_1", "openai.responses", {}, "far", messages, betas=betas)
    return Cleared(asked, Clearance(Tier.S0, reach), "far")


async def test_there_and_back(batches: RemoteBatches, vendor: BatchVendor) -> None:
    id = await batches.submit("ssn", {1: cleared("!say a"), 7: cleared("!say b")})
    assert await batches.over(id)
    found = {number: result async for number, result in batches.results("ssn", id)}
    assert set(found) == {1, 7}
    assert b"first: b" in found[7].body
    assert [one async for one in batches.results("other", id)] == [], "lines of another name"
    assert await batches.find("ssn", 2, 0.0) == id
    assert await batches.find("ss-other", 2, 0.0) is None
    await batches.delete(id)
    assert not vendor.files


async def test_until_it_has_ended_nobody_can_say_whose_a_nameless_one_is(
    batches: RemoteBatches, vendor: BatchVendor
) -> None:
    vendor.ends = False
    id = await batches.submit("ssn", {1: cleared("!say a")})
    assert not await batches.over(id)
    if id.startswith("msg"):
        with pytest.raises(UpstreamFailed):
            await batches.find("ssn", 1, 0.0)
    else:
        assert await batches.find("ssn", 1, 0.0) == id
    await batches.cancel(id)
    assert await batches.over(id)


async def test_nothing_leaves_that_was_not_cleared(
    batches: RemoteBatches, vendor: BatchVendor
) -> None:
    with pytest.raises(PrivacyRefused):
        await batches.submit("ssn", {1: cleared("a"), 2: cleared("b", Reach.LOCAL_ONLY)})
    assert vendor.calls == []


async def test_a_call_is_made_once_whatever_becomes_of_the_connection(
    batches: RemoteBatches, vendor: BatchVendor
) -> None:
    await batches.submit("first", {1: cleared("a")})
    vendor.trouble = [("POST /v1/batches", "swallow"), ("POST /v1/messages", "swallow")]
    with pytest.raises(UpstreamFailed):
        await batches.submit("ssn", {1: cleared("a")})
    assert len(vendor.batches) == 2


async def test_what_the_vendor_refuses_is_told(batches: RemoteBatches, vendor: BatchVendor) -> None:
    vendor.trouble = [("POST", 400)]
    with pytest.raises(UpstreamRejected):
        await batches.submit("ssn", {1: cleared("a")})


async def test_a_request_with_headers_of_its_own_is_no_line(batches: RemoteBatches) -> None:
    assert batches.size(cleared("a")) > 10
    assert batches.size(cleared("a", betas=("new",))) == 0
