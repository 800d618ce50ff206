"""What the DNS says of the sender: SPF, DKIM, DMARC, the name of the sending address, where answers go."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from digest.core.checkup import Finding, failure, ok, unchecked, warning
from digest.mail.dkim import txt_strings
from digest.mail.report import one_line
from digest.mail.spf import MOST_LOOKUPS, IpAddress, Names, look_through


class Resolver(Names, Protocol):
    """Names, and the names of addresses."""

    def names_of(self, address: str) -> list[str]:
        """Return the names that an address says it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderView:
    """Who sends: From, the relay's host, the addresses that mail leaves from, the signing key's record."""

    mail_from: str
    relay_host: str
    leaves_from: tuple[str, ...]
    selector: str
    dkim_record: str
    contact: str

    @property
    def domain(self) -> str:
        """The domain of From."""
        return self.mail_from.rpartition("@")[2]


def sending_addresses(names: Resolver, sender: SenderView) -> list[IpAddress]:
    """Return the public addresses that mail leaves from: those named, else the relay's own."""
    found = sender.leaves_from or ([sender.relay_host] if _is_address(sender.relay_host) else [])
    found = found or (names.addresses(sender.relay_host) if sender.relay_host else [])
    return [address for address in map(ipaddress.ip_address, found) if address.is_global or sender.leaves_from]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def wanted_records(sender: SenderView, *, mail_host: str) -> list[str]:
    """Write the records that a new installation publishes, as a zone file has them; asks nobody.

    The relay's own addresses are not looked up: where `leaves_from` names none, SPF names the relay by its host.
    `mail_host` takes what comes back.
    """
    if _is_address(mail_host):  # an MX names a host (RFC 5321 section 5.1)
        mail_host = f"mail.{sender.domain}"
    known = sender.leaves_from or ([sender.relay_host] if _is_address(sender.relay_host) else [])
    addresses = [one for one in map(ipaddress.ip_address, known) if one.is_global or sender.leaves_from]
    records = [f'{sender.domain}. IN TXT "{spf_for(addresses, sender.relay_host)}"']
    if sender.dkim_record:
        records.append(f"{sender.selector}._domainkey.{sender.domain}. IN TXT {txt_strings(sender.dkim_record)}")
    return [*records, dmarc_record(sender), f"{sender.domain}. IN MX 10 {mail_host}."]


def check_spf(names: Resolver, sender: SenderView) -> Finding:
    """Check that there is one record, that it can be evaluated, and that it lets our addresses send."""
    addresses = sending_addresses(names, sender)
    remedy = f'publish: {sender.domain}. IN TXT "{spf_for(addresses, sender.relay_host)}"'
    results = {str(one): look_through(names, sender.domain, one) for one in addresses}
    view, result = next(iter(results.values()), None) or look_through(names, sender.domain, None)
    if result == "none":
        return failure("SPF", f"{sender.domain} has no SPF record", remedy)
    shown = one_line(view.records[0])[:120]
    if view.faults:
        words = f"the record of {sender.domain} is wrong: {'; '.join(view.faults[:3])} ({shown})"
        return failure("SPF", words, "mend the record; replace includes by the networks they stand for")
    if view.default == "pass":
        return failure("SPF", f"it lets everybody send ({shown})", 'end the record with "-all"')
    costs = f"{view.lookups} of {MOST_LOOKUPS} look-ups"
    outside = [address for address, (_view, said) in results.items() if said != "pass"]
    if outside:
        words = f"mail leaves from {', '.join(outside)}, which the record does not let send ({shown})"
        remedy = f"add them to the record, as in {spf_for(addresses, '')}"
        if not sender.leaves_from:
            remedy += "; or name the addresses that mail really leaves from with --ip"
        return warning("SPF", words, remedy) if view.unsure else failure("SPF", words, remedy)
    if not results:
        return ok("SPF", f"one record, {costs} ({shown})", "have the addresses that mail leaves from checked with --ip")
    return ok("SPF", f"{', '.join(results)} may send; {costs} ({shown})")


def spf_for(addresses: Sequence[IpAddress], host: str) -> str:
    """Write a record that lets these addresses send, or else the relay's own."""
    elsewhere = "." in host and not _is_address(host)
    terms = [f"ip{one.version}:{one}" for one in addresses] or [f"a:{host}" if elsewhere else "ip4:YOUR-ADDRESS"]
    return f"v=spf1 {' '.join(terms)} -all"


def check_dkim(names: Resolver, sender: SenderView) -> Finding:
    """Check that the key we sign with is the one that is published."""
    if not sender.dkim_record:
        made = f"digest dkim-key --selector s1 --domain {sender.domain} --out dkim.pem"
        remedy = f"make a key with: {made}; publish what it prints; set DIGEST_DKIM_KEY_FILE and DIGEST_DKIM_SELECTOR"
        return failure("DKIM", "mail is not signed", remedy)
    where = f"{sender.selector}._domainkey.{sender.domain}"
    remedy = f"publish: {where}. IN TXT {txt_strings(sender.dkim_record)}"
    found = [one for one in names.txt(where) if "p=" in one]
    if len(found) != 1:
        return failure("DKIM", f"{where} has {len(found) or 'no'} keys where there must be one", remedy)
    ours, theirs = _tags(sender.dkim_record), _tags(found[0])
    if theirs.get("p") != ours["p"] or theirs.get("k", "rsa") != ours["k"]:
        what = "is not the one that mail is signed with" if theirs.get("p") else "is withdrawn"
        return failure("DKIM", f"the key at {where} {what}", remedy)
    if "y" in theirs.get("t", "").split(":"):
        return warning("DKIM", f"the key at {where} says that it is a test (t=y)", remedy)
    return ok("DKIM", f"{where} has the key that mail is signed with ({ours['k']})")


def _tags(record: str) -> dict[str, str]:
    pairs = (one.partition("=") for one in record.split(";"))
    return {name.strip().lower(): "".join(value.split()) for name, _, value in pairs if name.strip()}


def dmarc_record(sender: SenderView) -> str:
    """Write the record of a domain that begins: nothing is refused yet, and reports come to the operator."""
    reports = sender.contact if "@" in sender.contact else f"postmaster@{sender.domain}"
    return f'_dmarc.{sender.domain}. IN TXT "v=DMARC1; p=none; rua=mailto:{reports}"'


def check_dmarc(names: Resolver, sender: SenderView) -> Finding:
    """Check that the domain, or one above it, has a policy: large providers ask bulk senders for one."""
    remedy = f"publish: {dmarc_record(sender)}"
    labels = sender.domain.split(".")
    for above in range(max(1, len(labels) - 1)):
        domain = ".".join(labels[above:])
        found = [one for one in names.txt(f"_dmarc.{domain}") if one.upper().startswith("V=DMARC1")]
        if not found:
            continue
        tags = _tags(found[0])
        policy = (tags.get("sp") if above else None) or tags.get("p", "")
        if len(found) > 1 or policy not in {"none", "quarantine", "reject"}:
            words = f"the record at _dmarc.{domain} cannot be used: {one_line(found[0])[:120]}"
            return failure("DMARC", words, remedy)
        later = "when its reports are clean, publish p=quarantine" if policy == "none" else ""
        return ok("DMARC", f"_dmarc.{domain} says p={policy}", later)
    return failure("DMARC", f"{sender.domain} has no DMARC record", remedy)


def check_ptr(names: Resolver, sender: SenderView) -> Finding:
    """Check that each address that mail leaves from has a name, and that the name has the address."""
    addresses = sending_addresses(names, sender)
    if not addresses:
        words = f"mail leaves from an address that {sender.relay_host or 'the relay'} does not tell"
        return unchecked("PTR", words, "name the address with --ip")
    good = []
    for address in addresses:
        pointed = names.names_of(str(address))
        if not pointed:
            remedy = f"ask whom the address is from for: {address.reverse_pointer}. IN PTR mail.{sender.domain}."
            return failure("PTR", f"{address} has no name", remedy)
        if not any(str(address) in names.addresses(name) for name in pointed):
            kind = "A" if address.version == 4 else "AAAA"
            words = f"{address} says it is {one_line(pointed[0])}, which has another address"
            return failure("PTR", words, f"publish: {one_line(pointed[0])}. IN {kind} {address}")
        good.append(f"{address} is {one_line(pointed[0])}")
    return ok("PTR", ", ".join(good))


def check_bounces(names: Resolver, sender: SenderView, *, read: bool) -> Finding:
    """Check that an answer to From finds a mail host, and that something reads what comes back."""
    check = "bounce address"
    hosts = names.mx(sender.domain)
    remedy = f"publish: {sender.domain}. IN MX 10 mail.{sender.domain}."
    if hosts == [""]:
        return failure(check, f"{sender.domain} says that it takes no mail (null MX)", remedy)
    if not hosts and not names.addresses(sender.domain):
        return failure(check, f"mail to {sender.mail_from} finds no host", remedy)
    words = f"mail to {sender.mail_from} goes to {one_line(hosts[0]) if hosts else sender.domain}"
    if not read:
        way = "pipe it into `digest inbound`, and set DIGEST_VERP=true; or set DIGEST_IMAP_URL, or a webhook"
        return warning(check, f"{words}, and no setting says that it is read", way)
    return ok(check, words)
