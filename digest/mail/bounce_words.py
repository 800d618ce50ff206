"""The words by which mail systems without a standard form say that a message came back, or that nobody is in."""

from __future__ import annotations

import re

_I = re.IGNORECASE

DAEMON = re.compile(
    r"(?:^|[<\s\"])(?:mailer[-_.]?daemon|post(?:master|office)|mail[-_.]?daemon|mail(?:er)?[-_.]?(?:robot"
    r"|system|delivery)"
    r"|mdaemon|bounces?|e?mail[-_.]?admin(?:istrator)?|smtp[-_.]?daemon)\b|mail delivery (?:sub)?system"
    r"|mail administrator"
    r"|system administrator|internet mail delivery|mail subsystem",
    _I,
)

BOUNCE_SUBJECT = re.compile(
    r"undeliver|un-?deliverable|not (?:be )?delivered|delivery (?:status|failure|failed|problem|error|warning|report"
    r"|notification|has failed)|deliver(?:y|ed)? (?:to .* )?(?:failed|delayed)|failed (?:mail|delivery)"
    r"|failure (?:notice"
    r"|notification|delivery)|returned (?:mail|e-?mail|to sender|message)|mail (?:system error|could not|failed"
    r"|failure"
    r"|not delivered|error)|non[- ]?delivery|message (?:delayed|not delivered|could not|undeliver|rejected)|bounce"
    r"|permanent (?:delivery )?failure|processing error|unzustellbar|nicht zugestellt|non remis|mancata consegna"
    r"|no (?:se )?(?:pudo|ha podido) entregar|niet bezorgd|не доставлено|сообщени. не|配信|配達|送信(?:失敗|できません)"
    r"|nameserver error report|cannot send message|error sending your mail|メールエラー",
    _I,
)

AWAY_SUBJECT = re.compile(
    r"out of (?:the )?office|automatic(?:ally)? (?:generated )?(?:reply|response)|auto(?:matic"
    r"|mated)?[- ]?(?:reply|response"
    r"|respon(?:d|s)\w*|answer)|^(?:re: ?)?away\b|on (?:vacation|holiday|leave)|vacation|abwesen|automatische antwort"
    r"|r[ée]ponse automatique|absen(?:ce|t)\b|respuesta autom[áa]tica|fuera de (?:la )?oficina|risposta automatica"
    r"|fuori (?:sede|ufficio)|automatisch antwoord|afwezig|autosvar|автоответ|自動(?:返信|応答)|自动(?:回复|答复)|不在",
    _I,
)

LEAVE_SUBJECT = re.compile(
    r"\s*(?:please\s+)?(?:un-?subscribe|opt[- ]?out|remove me|sign ?off|abmelden|austragen|baja)\b.{0,40}", _I
)

FAILED = re.compile(
    r"(?:could|can|did|was|were|has|have|is|will)(?: ?n[o']t|not) (?:be |been )?(?:deliver|reach|sent|accept"
    r"|found|listed"
    r"|transmit)|cannot be (?:deliver|sent)|not (?:be )?delivered|undeliver|unable to (?:deliver|send|relay)"
    r"|deliver\w{0,12} (?:\w{1,30} ){0,6}(?:fail|error|problem|delay|was aborted|was rejected)"
    r"|fail\w{0,12} (?:\w{1,30} ){0,4}(?:deliver|recipient"
    r"|address)|user unknown|unknown (?:user|local|address|recipient)|no such (?:user|recipient|mailbox|address)"
    r"|(?:mail)?box (?:is )?full|over ?quota|quota exceeded|returned to (?:the )?sender|permanent (?:fatal "
    r"|delivery )?error"
    r"|non[- ]delivery|unrouteable|host (?:not found|unknown)|failure reasons|rejected|not a valid (?:address"
    r"|mailbox)"
    r"|does(?: not|n't) (?:exist|have)|errors? (?:has |have )?occurred|was aborted|trouble delivering"
    r"|error delivering"
    r"|account is disabled|deferred|permanent errors"
    r"|配信|送信|届き|宛先|見つかりません|あて先|недостав|не (?:может|доставлено)",
    _I,
)

DELAYED = re.compile(
    r"delayed|still being retried|not yet been delivered|will (?:continue|keep) (?:to )?(?:try|retry)"
    r"|delivery attempts? will"
    r"|warning message only|do not need to resend|temporar|retry timeout not|has not been delivered yet",
    _I,
)

# Where the words of the system end and the message that came back begins.
RETURNED_BELOW = re.compile(
    r"^(?:[-=*_#> \t]{2,90}[^\n]{0,60}(?:original|returned|undelivered|unsent|bounced|your|the) (?:e-?mail"
    r"|message|mail)\b"
    r"|[-=* \t]{0,40}(?:original message (?:headers|follows|below)|message (?:headers?|text|contents?) follows?"
    r"|(?:included is|below is|here is|this is) a copy of|a copy of (?:the|your) (?:original )?message"
    r"|bounced e-?mail:"
    r"|original message headers:)"
    r"|(?:Received: ?(?:from|by)|Return-Path: ?<|DKIM-Signature:|X-Received:) ?)[^\n]*$",
    _I | re.MULTILINE,
)

# An address that a line is about, not merely one that occurs in it.
ABOUT = re.compile(
    r"^[\s>*\"'(\[-]{0,12}(?:(?:to|recipients?|rcpt to|final recipient|failed recipient|(?:e-?mail |original "
    r"|recipient )?address"
    r"|user|for|account)\s*[:=]\s*)?(?:smtp:|mailto:)?<?(?:smtp:|mailto:)?$",
    _I,
)
NOT_ABOUT = re.compile(
    r"message-?id|^\s*(?:from|sender|reply-to|cc|subject|return-path)\s*:|postmaster@|mailer-daemon@", _I
)
FORWARDED = re.compile(r"\s*(?:re|fwd?|aw|wg|tr|rv|antw|sv|vs)\s*:", _I)  # a person's subject about a bounce
