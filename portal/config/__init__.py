"""Settings from the environment, system checks, caches, log lines, options of Celery."""
