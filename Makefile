# make demo     everything, started for real on this machine: http://localhost:8000 (PORT=8123 make demo)
# make test     every test; PostgreSQL, Valkey, SMTP and a browser are started for it (ARGS="-k name" for some)
# make check    style, types, imports, migrations and the production settings
# make messages update the translations in portal/locale, and say which texts have none yet
# make clean    remove the data and logs of the demonstration
#
# Nothing has to be installed by hand but make and a Python; .ci/uv fetches uv, and uv the rest.

PYTHON := .venv/bin/python
PACKAGES := portal tokens clients audit
# A production environment with nothing of this machine in it.
PRODUCTION = env -i PATH="$$PATH" ENV_FILES= PUBLIC_URL=https://keydesk.example $$($(PYTHON) -m portal.embedded.keys)

.PHONY: help install demo test check messages clean
help:
	@sed -n '/^# make/s/^# //p' Makefile

install: .venv/synced

.venv/synced: pyproject.toml uv.lock
	uv=$$(.ci/uv) && $$uv sync --frozen --all-extras
	@touch $@

demo: .venv/synced
	@exec $(PYTHON) -m portal.embedded.demo

test: .venv/synced
	chromium=$$(.ci/chromium) && CHROMIUM=$$chromium exec $(PYTHON) -m pytest -n 2 --dist loadgroup $(ARGS)

check: .venv/synced
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy $(PACKAGES)
	.venv/bin/lint-imports
	$(PRODUCTION) $(PYTHON) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	$(PRODUCTION) $(PYTHON) manage.py check --deploy --fail-level WARNING
	.ci/css-is-fresh

messages: .venv/synced
	$(PYTHON) -m portal.translations

clean:
	@if [ -x $(PYTHON) ]; then $(PYTHON) -m portal.embedded.clean; else rm -rf .local/demo .local/demo.env; fi
