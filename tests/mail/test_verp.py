"""Signed addresses: they name one delivery or reader, survive lower-casing and rotation, and cannot be made up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import MessageRefused
from digest.mail.verp import delivery_behind, leave_address, reader_behind, verp_address
from digest.tokens import Tokens

OLD, NEW = "the secret of last year, long enough", "the secret of this year, long enough"
TOKENS = Tokens([NEW, OLD])


@given(st.integers(0, 2**63 - 1))
def test_a_return_path_names_its_delivery(delivery: int) -> None:  # checklist 36
    address = verp_address(TOKENS, "digest@firstlight.test", delivery)
    assert len(address.partition("@")[0]) <= 64
    assert delivery_behind(TOKENS, ["someone@x.test", address]) == delivery
    assert delivery_behind(TOKENS, [address.upper()]) == delivery
    assert reader_behind(TOKENS, [address]) is None


@given(st.data())
def test_no_other_return_path_is_believed(data: st.DataObject) -> None:  # checklist 36, 72
    address = verp_address(TOKENS, "digest@firstlight.test", 42)
    local = address.partition("@")[0]
    at = data.draw(st.integers(len("digest+"), len(local) - 1))
    other = data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz234567890-+"))
    forged = local[:at] + other + local[at + 1 :]
    if forged != local:
        assert delivery_behind(TOKENS, [f"{forged}@firstlight.test"]) is None


def test_an_older_secret_still_verifies_and_a_stranger_does_not() -> None:
    address = verp_address(Tokens([OLD]), "digest@firstlight.test", 7)
    assert delivery_behind(TOKENS, [address]) == 7
    assert delivery_behind(Tokens([NEW]), [address]) is None


def test_an_unsubscribe_address_is_no_return_path() -> None:
    address = leave_address(TOKENS, "digest@firstlight.test", 7)
    assert reader_behind(TOKENS, [address]) == 7
    assert delivery_behind(TOKENS, [address]) is None


def test_a_name_that_leaves_no_room_is_refused() -> None:
    with pytest.raises(MessageRefused, match="shorter name"):
        verp_address(TOKENS, f"{'d' * 40}@firstlight.test", 7)
