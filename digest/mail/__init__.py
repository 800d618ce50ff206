"""From an edition to bytes on the wire: templates, messages, SMTP."""
