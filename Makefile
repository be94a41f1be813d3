# Bound by Bound. `make` alone lists the targets; each one says what it does and does only what is missing.
# Needs Python 3.11, 3.12 or 3.13 and make; everything else is installed into .venv at the versions of constraints.txt.

PYTHON ?=
VENV ?= .venv
URL ?=
LESSON ?=
MODE ?= auto
PYTEST_ARGS ?= -n 2

BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
PY := $(BIN)/python
PIP := $(PY) -m pip --disable-pip-version-check
HTML := book/_build/html
BOOK_SOURCES := $(shell find book notebooks course_lib -type f \( -name '*.md' -o -name '*.yml' -o -name '*.ipynb' \
  -o -name '*.svg' -o -name '*.png' -o -name '*.css' -o -name '*.py' \) -not -path '*/_build/*' -not -path '*/api/*' 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help book test lab notebooks results fuzz lint links student address pages clean
.DELETE_ON_ERROR:

help: ## list the targets
	@echo "Bound by Bound: every claim is executed."
	@echo
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | \
	  while IFS='|' read -r target what; do printf '%-18s %s\n' "$$target" "$$what"; done
	@echo
	@echo "  PYTHON=python3.12 chooses the interpreter, VENV=folder the environment, PYTEST_ARGS='-k elbo' the tests."

# --- environments ----------------------------------------------------------------------------------------------------
# The interpreter is run, not only looked up: a version manager may leave a command behind that does not start.
$(VENV)/.made:
	@set -e; found=; \
	for candidate in $(if $(PYTHON),"$(PYTHON)",python3.11 python3.12 python3.13 python3 python); do \
	  if "$$candidate" -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1; \
	  then found="$$candidate"; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "$(if $(PYTHON),PYTHON=$(PYTHON) is not a working Python,No Python was found that is) 3.11, 3.12 or 3.13 with venv: install one, or name it with 'make PYTHON=/path/to/python'." >&2; \
	  exit 2; \
	fi; \
	if [ ! -e "$(PY)" ]; then \
	  echo "==> making the environment $(VENV) with $$found"; "$$found" -m venv "$(VENV)"; \
	fi
	@touch $@

$(VENV)/.core: $(VENV)/.made pyproject.toml constraints.txt
	@echo "==> installing course_lib and what it needs (PyTorch is large: this can take some minutes)"
	@$(PIP) install -q -c constraints.txt -e .
	@touch $@

$(VENV)/.book: $(VENV)/.made pyproject.toml constraints.txt
	@echo "==> installing what the book needs (no PyTorch: the pages show the outputs stored in the notebooks)"
	@$(PY) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["book"], sep="\n")' \
	  > $(VENV)/book-requirements.txt
	@$(PIP) install -q -c constraints.txt -r $(VENV)/book-requirements.txt
	@touch $@

$(VENV)/.test: $(VENV)/.made pyproject.toml constraints.txt
	@echo "==> installing course_lib, the book's tools and the tests' tools (PyTorch is large: this can take some minutes)"
	@$(PIP) install -q -c constraints.txt -e '.[test]'
	@touch $@ $(VENV)/.core $(VENV)/.book

$(VENV)/.lab: $(VENV)/.made pyproject.toml constraints.txt
	@echo "==> installing course_lib and JupyterLab (PyTorch is large: this can take some minutes)"
	@$(PIP) install -q -c constraints.txt -e '.[lab,batch]'
	@touch $@ $(VENV)/.core

# --- reading and running ---------------------------------------------------------------------------------------------
book: $(HTML)/index.html ## build the book into book/_build/html (strict: a warning fails)
	@echo "==> the book is in $(HTML)/index.html"

# A warning of an unchanged page is not repeated by a second build, so a failed build must not be reused.
$(HTML)/index.html: $(VENV)/.book _config.yml $(BOOK_SOURCES)
	@$(PY) book/scripts/links.py refresh
	@echo "==> building the book"
	@$(BIN)/jupyter-book build book/ -q -W -n --keep-going || { rm -rf book/_build/.doctrees $(HTML)/index.html; exit 1; }
	@touch $@

lab: $(VENV)/.lab ## open the notebooks in JupyterLab
	@echo "==> starting JupyterLab in notebooks/ (Ctrl-C twice stops it)"
	@$(BIN)/jupyter lab notebooks

# --- proving ---------------------------------------------------------------------------------------------------------
test: $(VENV)/.test ## run ruff, the lesson lint and every test (arguments: PYTEST_ARGS)
	@$(MAKE) --no-print-directory lint
	@echo "==> running the tests: pytest $(PYTEST_ARGS)"
	@$(PY) -m pytest $(PYTEST_ARGS)

lint: $(VENV)/.test ## check the style of the code and the rules of the lessons
	@echo "==> ruff"
	@$(PY) -m ruff check .
	@echo "==> lesson lint"
	@$(PY) -m course_lib.authoring.lint

# --- writing ---------------------------------------------------------------------------------------------------------
notebooks: $(VENV)/.test ## re-execute the notebooks whose source changed, and store their outputs
	@echo "==> executing what changed in notebooks/"
	@$(PY) -m course_lib.authoring.notebooks

results: $(VENV)/.core ## measure the claims of LESSON=01_elbo (resumes where it stopped)
	@test -n "$(LESSON)" || { echo "Say which lesson: make results LESSON=01_elbo" >&2; exit 2; }
	@echo "==> measuring the claims of $(LESSON)"
	@$(PY) -m course_lib.experiments $(LESSON)

fuzz: $(VENV)/.test ## give every reader of data files 2,000 damaged inputs and record what came of them
	@echo "==> damaging files: 2,000 for each binary format, 500 for each text format"
	@$(PY) -m course_lib.experiments 05_worlds --only fuzz --again

pages: $(VENV)/.book ## redraw and rewrite the generated pages of the book (notation, results, errata, map)
	@echo "==> writing the generated pages"
	@$(PY) -m course_lib.authoring.pages

student: $(VENV)/.test ## write the notebooks without solutions into build/student/
	@echo "==> writing build/student/"
	@$(PY) -m course_lib.authoring.student

address: $(VENV)/.test ## write the repository's address (URL=https://...) into the settings and every set-up cell
	@test -n "$(URL)" || { echo "Say the address: make address URL=https://github.com/you/bound-by-bound" >&2; exit 2; }
	@echo "==> writing the address $(URL)"
	@$(PY) -m course_lib.authoring.address $(URL)

links: $(VENV)/.made ## mend the two links of book/ (copies where links are not supported; MODE=link or MODE=copy)
	@$(PY) book/scripts/links.py $(MODE)

clean: ## remove what was built (the environment and runs/ stay)
	@echo "==> removing the built book, caches and build folders"
	@rm -rf book/_build book/api build dist .pytest_cache .ruff_cache *.egg-info
	@find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +
