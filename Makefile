# The short front of the Meson build. `make help` lists what there is.
BUILD ?= build
PYTHON = /usr/bin/python3
PREFIX ?= /usr/local

.PHONY: help all run test bench soak fuzz install check clean

help:
	@echo "make run      set up, build, start an archive on this machine with sample studies, survey a simulated hospital"
	@echo "make test     set up, build, run every test"
	@echo "make bench    us and the peers on the same inputs in one run, as ratios"
	@echo "make soak     the kill test and others for as long as SOAK says (default 100 cycles)"
	@echo "make fuzz     every fuzz target under ASan and UBSan for FUZZ_SECONDS each (default 60)"
	@echo "make install  binary, unit, manual pages (DESTDIR and PREFIX are honoured)"

all:
	@tools/setup
	@tools/build $(BUILD) -Dtests=disabled

run: all
	@tools/demo $(BUILD)

test:
	@tools/setup test
	@tools/run_tests

bench:
	@tools/setup test
	@tools/build $(BUILD) -Dtests=enabled
	@$(PYTHON) bench/run.py --build $(BUILD)

soak:
	@tools/setup test
	@tools/build $(BUILD) -Dtests=enabled
	@LASTRA_BIN=$(BUILD)/src/app/lastra LASTRA_BUILD=$(BUILD) FAULTS=all KILL_CYCLES=$${SOAK:-100} $(PYTHON) -m pytest -q -x tests/e2e/test_kill.py tests/e2e/test_faults.py tests/e2e/test_archive_faults.py

fuzz:
	@tools/setup test
	@tools/fuzz $${FUZZ_SECONDS:-60}

install:
	@tools/build $(BUILD) -Dtests=disabled -Dprefix=$(PREFIX)
	@DESTDIR=$(DESTDIR) meson install -C $(BUILD) --no-rebuild --quiet

clean:
	rm -rf build build-asan build-tsan
