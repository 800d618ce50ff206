"""Django's mail or django-post_office on the task that `benchmarks/send.py` gives: run by it, in a throw-away venv.

python send_django.py django|post_office PORT MESSAGES; prints {"seconds": ...}.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from pathlib import Path

import django
from django.conf import settings

WHO, PORT, MESSAGES = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
FOLDER = Path(tempfile.mkdtemp())
_HTML = """<html><body><h1>Firstlight</h1><p>{{ day }} <a href="{{ leave }}">unsubscribe</a></p><table>
{% for p in papers %}<tr><td style="padding:20px 0;vertical-align:top;color:#9A4A06">{{ forloop.counter }}</td>
<td style="padding:20px 0;font-size:13px;color:#57606A">
<h2 style="margin:0;font:bold 19px/1.3 Georgia,serif" dir="auto">
<a style="color:#1B1F24;text-decoration:none" href="{{ p.url }}">{{ p.title }}</a></h2>
<p><span class="b">{{ p.category }}</span> {{ p.authors }} · {{ p.labs }} · {{ p.listed }}</p><p>{{ p.evidence }}</p>
<p style="margin:8px 0 0;font-size:16px;color:#1B1F24" dir="auto">{{ p.summary }}</p><p>{{ p.why }}</p>
<p><a href="{{ p.url }}">arXiv</a> · <a href="{{ p.pdf }}">PDF</a> · <a href="{{ p.code }}">Code</a></p></td></tr>
{% endfor %}</table><div style="display:none">{{ filler }}</div></body></html>"""
_TEXT = """Firstlight
{{ day }}
Unsubscribe: {{ leave }}
{% for p in papers %}
{{ forloop.counter }}. {{ p.title }}
    {{ p.category }} {{ p.authors }} {{ p.labs }}
    {{ p.evidence }}
    {{ p.summary }}
    {{ p.url }}
{% endfor %}"""

settings.configure(
    EMAIL_BACKEND="post_office.EmailBackend" if WHO == "post_office" else "django.core.mail.backends.smtp.EmailBackend",
    EMAIL_HOST="127.0.0.1",
    EMAIL_PORT=PORT,
    INSTALLED_APPS=["post_office"] if WHO == "post_office" else [],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(FOLDER / "db.sqlite3")}},
    POST_OFFICE={
        "BACKENDS": {"default": "django.core.mail.backends.smtp.EmailBackend"},
        "BATCH_SIZE": 1000,
        "DEFAULT_PRIORITY": "medium",
        "THREADS_PER_PROCESS": 5,
    },
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    USE_TZ=True,
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
)
django.setup()

from django.core.mail import EmailMultiAlternatives, get_connection  # noqa: E402  # after the set-up
from django.template import Context, Template  # noqa: E402

_CHANCE = random.Random(4)
_WORDS = [
    "adaptive",
    "sparse",
    "latent",
    "causal",
    "neural",
    "spectral",
    "robust",
    "graph",
    "diffusion",
    "language",
    "policy",
    "token",
    "kernel",
]


def _paper(number: int) -> dict[str, str]:
    words = _CHANCE.choices(_WORDS, k=60)
    return {
        "url": f"https://digest.example.org/papers/2605.{number:05d}",
        "pdf": f"https://arxiv.org/pdf/2605.{number:05d}",
        "code": f"https://github.com/example/paper-{number}",
        "title": " ".join(words[:9]).capitalize(),
        "category": f"cs.B{number}",
        "authors": "Ines Okafor, Pavel Lindqvist, Mei Tanaka et al.",
        "labs": "Aarhus, Kyoto",
        "listed": "20 May 2026",
        "evidence": f"+{_CHANCE.randrange(3, 90)} upvotes in 6 h",
        "summary": " ".join(words[9:])[:320],
        "why": f"You follow cs.B{number}",
    }


_PAPERS = [_paper(number) for number in range(300)]
_MAIL = Template(_HTML), Template(_TEXT)


def letter(number: int, filler: str) -> EmailMultiAlternatives:
    """One reader's message: ten papers of their own choice, both parts from templates."""
    papers = _CHANCE.sample(_PAPERS, 10)
    given = Context(
        {
            "day": "Wednesday 20 May 2026",
            "leave": f"https://digest.example.org/unsubscribe/{number:040d}",
            "papers": papers,
            "filler": filler,
        }
    )
    html, text = (template.render(given) for template in _MAIL)
    message = EmailMultiAlternatives(
        f"{papers[0]['title'][:60]}, and 9 more", text, "digest@example.org", [f"reader-{number}@rehearsal.invalid"]
    )
    message.attach_alternative(html, "text/html")
    return message


def main() -> None:
    """Send, and say how long it took."""
    size = int(sys.argv[4])
    filler = "x" * 60 + " "
    short = size - len(letter(0, "").message().as_bytes())
    filler *= max(short, 0) // 61
    if WHO == "django":
        began = time.perf_counter()
        with get_connection() as connection:
            for number in range(MESSAGES):
                connection.send_messages([letter(number, filler)])
    else:
        from django.core.management import call_command  # noqa: PLC0415
        from post_office import mail  # noqa: PLC0415

        call_command("migrate", verbosity=0)
        for number in range(MESSAGES):
            letter(number, filler).send()  # queued, not counted
        began = time.perf_counter()
        sent, failed, _ = mail.send_queued(processes=1, log_level=0)
        while sent + failed < MESSAGES:
            more, bad, _ = mail.send_queued(processes=1, log_level=0)
            if not more + bad:
                break
            sent, failed = sent + more, failed + bad
        if sent != MESSAGES:
            raise SystemExit(f"post_office sent {sent} of {MESSAGES}")
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "bytes": len(letter(1, filler).message().as_bytes())}))


if __name__ == "__main__":
    main()
