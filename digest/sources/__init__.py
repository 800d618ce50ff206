"""One module per outside service; each reads recorded bytes and fetches through an injected httpx client."""
