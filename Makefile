# make demo     everything, started for real on this machine: http://localhost:8000 (PORT=8123 make demo)
# make test     every test; PostgreSQL, Valkey, SMTP and a browser are started for it (ARGS="-k name" for some)
# make quick    the tests that need no server and no browser: two thirds of all, in half a minute
# make coverage the lines that no test reaches; runs every test (ARGS=--quick for the quick ones)
# make check    style (also of templates, scripts and style sheets), types, imports, dependencies, migrations and the production settings
# make messages update the translations in portal/locale, and say which texts have none yet
# make bench    Keydesk beside its peers, in at most 15 minutes (docs/performance.md; ARGS="--rounds 1" for a glance, ARGS=--busy beside other load)
# make bench-compare  the token server's CPU per request beside an older commit's (ARGS="54533bb --rounds 6")
# make bench-scale  how it grows: to 10^7 tokens and 10^5 clients, invalidation, purge, memory, a steady state (ARGS="--only steady")
# make bench-pages  every page with 10^5 clients and 10^6 entries in the change log, against its goal of 150 ms
# make ha       Keydesk on several machines, with every fault, in at most 15 minutes (docs/high-availability.md; ARGS="--only host,crash")
# make screenshots  a picture of every page, wide and narrow, light and dark, into .local/screenshots/
# make audit    known vulnerabilities of the lock files, and licences; says what it could not check
# make release  source archive, bill of materials and checksums of this commit, into .local/release/ (COSIGN_KEY signs)
# make walks    the main acts as calls between rooms, for the table in docs/architecture.md
# make clean    remove the data and logs of the demonstration
#
# Nothing has to be installed by hand but make and a Python; .ci/uv fetches uv, and uv the rest.

PYTHON := .venv/bin/python
PACKAGES := portal tokens clients audit foundation dev
# A network with a certificate authority of its own has put it into the system's store.
export UV_SYSTEM_CERTS ?= $(if $(wildcard /etc/ssl/certs/ca-certificates.crt),true,false)
# Compiled modules are kept, whatever the environment says: tests and the demonstration start hundreds of processes.
unexport PYTHONDONTWRITEBYTECODE
# A production environment with nothing of this machine in it.
PRODUCTION = env -i PATH="$$PATH" ENV_FILES= PUBLIC_URL=https://keydesk.example $$($(PYTHON) -m dev.servers.keys)

.PHONY: help install translations demo test quick coverage check messages bench bench-compare bench-scale bench-pages ha screenshots audit release walks clean
help:
	@sed -n '/^# make/s/^# //p' Makefile

install: .venv/synced

.venv/synced: pyproject.toml uv.lock cli/pyproject.toml
	@.ci/preflight && .ci/sync
	@touch $@ .venv/for-demo

# The demonstration runs on less than the tests: no browser, no linters.
.venv/for-demo: pyproject.toml uv.lock
	@.ci/preflight && .ci/sync demo
	@rm -f .venv/synced
	@touch $@

# The compiled translations are not tracked.
translations: .venv/synced
	@$(PYTHON) -m dev.compile_translations

demo:
	@.ci/preflight $${PORT:-8000}
	@$(MAKE) --no-print-directory .venv/for-demo
	@$(PYTHON) -m dev.compile_translations
	@exec $(PYTHON) -m dev.servers.demo

test: translations
	chromium=$$(.ci/chromium) && CHROMIUM=$$chromium exec $(PYTHON) -m pytest -n 4 $(ARGS)

quick: translations
	@exec $(PYTHON) -m pytest -q -n 2 --quick $(ARGS)

coverage: translations
	@rm -rf .local/coverage && mkdir -p .local/coverage
	chromium=$$(.ci/chromium) && CHROMIUM=$$chromium $(PYTHON) -m coverage run -m pytest -q -n 3 $(ARGS)
	@$(PYTHON) -m coverage combine -q && exec $(PYTHON) -m coverage report

check: translations
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	$(PYTHON) -m dev.measures
	.venv/bin/djlint --lint --quiet templates
	.venv/bin/djlint --lint --quiet --extension txt templates
	.venv/bin/oxlint --deny-warnings portal/static tests/e2e/node tests/portal/sign_in/provider bench/peers
	.venv/bin/mypy $(PACKAGES)
	.venv/bin/mypy --config-file cli/pyproject.toml cli/keydesk_cli
	.venv/bin/lint-imports
	.venv/bin/deptry --no-ansi .
	cd cli && ../.venv/bin/deptry --no-ansi .
	$(PRODUCTION) $(PYTHON) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	$(PRODUCTION) $(PYTHON) manage.py check --deploy --fail-level WARNING
	.ci/css-is-fresh

messages: .venv/synced
	$(PYTHON) -m dev.translations

bench: translations
	@exec $(PYTHON) -m bench.run $(ARGS)

bench-compare: translations
	@exec $(PYTHON) -m bench.compare $(ARGS)

bench-scale: translations
	@exec $(PYTHON) -m bench.scale $(ARGS)

bench-pages: translations
	@exec $(PYTHON) -m bench.pages $(ARGS)

ha: translations
	@exec $(PYTHON) -m dev.ha $(ARGS)

screenshots: translations
	chromium=$$(.ci/chromium) && CHROMIUM=$$chromium exec $(PYTHON) -m pytest -q tests/e2e/pages/screenshots.py

walks: translations
	@exec $(PYTHON) -m pytest -q -s tests/test_walks.py

audit: .venv/synced
	@$(PYTHON) -m dev.release.audit

release: .venv/synced
	@$(PYTHON) -m dev.release.build

clean:
	@if [ -x $(PYTHON) ]; then $(PYTHON) -m dev.servers.clean; else rm -rf .local/demo .local/demo.env; fi
