"""Celery tasks and the scheduler that starts them."""
