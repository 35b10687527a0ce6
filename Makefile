# The CPM module for baresip. Targets only; the rules live in mk/.
# SPDX-License-Identifier: BSD-3-Clause

all: module

include mk/config.mk
include mk/build.mk
include mk/test.mk
include mk/bench.mk
include mk/lint.mk
include mk/library.mk
include mk/oom.mk
include mk/fuzz.mk

help:
	@echo "make            build $(MODULE)"
	@echo "make demo       install what is missing, build, run the main job on"
	@echo "                loopback and show the messages arriving"
	@echo "make test       install what is missing, run every test"
	@echo "make unit       the unit tests only (nothing is installed)"
	@echo "make e2e        the end-to-end tests only (nothing is installed)"
	@echo "make soak       ROUNDS=200 rounds of kill -9, and of power cuts"
	@echo "make loss       MESSAGES=2000 in page mode, 5 % of datagrams lost"
	@echo "make oom        each allocation made to fail in turn, not only some"
	@echo "make call       60 s audio call with and without messages arriving"
	@echo "make bench      figures of the real baresip, beside what they are"
	@echo "                compared with; WHAT=arrival|stall|big|history|"
	@echo "                msrp|decode"
	@echo "make msrp       files over MSRP by hand, $(BUILD)/msrp: the library alone"
	@echo "make install-msrp  the MSRP library for other programs; PREFIX=, DESTDIR="
	@echo "make pf         the Participating Function, $(BUILD)/pf"
	@echo "make fuzz       T=60 seconds each target; WHAT=msrp,session,..."
	@echo "make lint       warnings of two compilers, cppcheck, headers, layout"
	@echo "make clean      remove $(BUILD)"
	@echo
	@echo "SAN=address,undefined builds all with sanitizers (in its own folder);"
	@echo "make test does its end-to-end part that way as well."

clean:
	rm -rf build build-san

.PHONY: all help clean
.DELETE_ON_ERROR:
