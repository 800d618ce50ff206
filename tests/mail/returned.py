"""Small messages that came back, written for the tests in the shapes that mail systems send."""

from __future__ import annotations

ORIGINAL = """Return-Path: <digest@firstlight.test>
Message-ID: <0123abcd@firstlight.test>
From: Firstlight <digest@firstlight.test>
To: ada@reader.test
Subject: Today

Papers.
"""


def dsn(
    blocks: str,
    *,
    status_type: str = "message/delivery-status",
    original: str = ORIGINAL,
    own_id: str = "<report-1@mx.test>",
    to: str = "digest@firstlight.test",
    encoding: str = "7bit",
) -> bytes:
    """A status report of the usual shape; `blocks` are the groups of fields about recipients."""
    return f"""Return-Path: <>
From: Mail Delivery System <MAILER-DAEMON@mx.test>
To: {to}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
Message-ID: {own_id}
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="xyz"

--xyz
Content-Type: text/plain

I'm sorry. Your message could not be delivered.

--xyz
Content-Type: {status_type}
Content-Transfer-Encoding: {encoding}

Reporting-MTA: dns; mx.test
Arrival-Date: Wed, 20 May 2026 06:00:00 +0000

{blocks}

--xyz
Content-Type: message/rfc822

{original}
--xyz--
""".encode()


def failed(recipient: str = "rfc822; ada@reader.test", status: str = "5.1.1", action: str = "failed") -> str:
    """One group of fields about a recipient."""
    return f"Final-Recipient: {recipient}\nAction: {action}\nStatus: {status}\nDiagnostic-Code: smtp; 550 {status} no"


def arf(kind: str = "abuse", *, original: str = ORIGINAL, fields: str = "") -> bytes:
    """A feedback report; `fields` are further lines of its machine-readable part."""
    return f"""From: <feedback@provider.test>
To: <digest@firstlight.test>
Subject: FW: Today
Message-ID: <complaint-1@provider.test>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="abc"

--abc
Content-Type: text/plain

This is an abuse report.

--abc
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: Loop/1.0
Version: 1
{fields}
--abc
Content-Type: message/rfc822

{original}
--abc--
""".encode()


def plain(subject: str, body: str, *, sender: str = "MAILER-DAEMON@mx.test", more: str = "") -> bytes:
    """A message of one plain part; `more` are further header lines."""
    return f"From: {sender}\nTo: digest@firstlight.test\nSubject: {subject}\n{more}\n{body}\n".encode()
