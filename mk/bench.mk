# Figures, side by side in one run. Ratios count, not seconds.
# SPDX-License-Identifier: BSD-3-Clause

# loaded into the softphone, or programs of their own
BENCH_APART := test/bench/stall.c test/bench/slow.c test/bench/fill.c \
	       test/bench/peer.c test/bench/octets.c
BENCH_SRC   := $(filter-out $(BENCH_APART),$(wildcard test/bench/*.c))
TLS_LIBS    := $(shell pkg-config --libs openssl 2>/dev/null || \
	       echo -lssl -lcrypto)

$(BUILD)/bench: $(call obj,$(BENCH_SRC))
	@echo "  LD   $@"
	@$(CC) $(LDFLAGS_ALL) -o $@ $^ $(DB_LIBS) $(TLS_LIBS) -lm

$(BUILD)/stall.so: $(call obj,test/bench/stall.c)
	@echo "  LD   $@"
	@$(CC) $(LDFLAGS_ALL) -shared -o $@ $^ $(RE_LIBS)

$(BUILD)/slow.so: $(call obj,test/bench/slow.c)
	@echo "  LD   $@"
	@$(CC) $(LDFLAGS_ALL) -shared -o $@ $^ -ldl

$(BUILD)/fill: $(call obj,test/bench/fill.c) $(BUILD)/libcpm.a
	@echo "  LD   $@"
	@$(CC) $(LDFLAGS_ALL) -o $@ $^ $(RE_LIBS) $(DB_LIBS) $(XML_LIBS)

$(BUILD)/peer $(BUILD)/octets: $(BUILD)/%: $(call obj,test/bench/%.c) \
		$(BUILD)/libcpm.a
	@echo "  LD   $@"
	@$(CC) $(LDFLAGS_ALL) -o $@ $^ $(RE_LIBS)

# the same module, but each message has its own commit: what one for many
# gains. Made by a make of its own, with everything in a folder of its own
alone:
	@$(MAKE) -s --no-print-directory BUILD=$(BUILD)/alone \
		CFLAGS="$(CFLAGS) -DCPM_BATCH_MAX=1" $(BUILD)/alone/cpm.so

# make bench WHAT=arrival,big N=10000 REPS=1 PLACE=fixed SIZE=100000000
# HISTORY=100000 DELAY=500 SESSIONS=10000
BENCH_ARGS = $(if $(WHAT),--what $(WHAT)) $(if $(N),-n $(N)) \
	     $(if $(REPS),--reps $(REPS)) $(if $(PLACE),--place $(PLACE)) \
	     $(if $(SIZE),--size $(SIZE)) $(if $(DELAY),--delay $(DELAY)) \
	     $(if $(HISTORY),--history $(HISTORY)) \
	     $(if $(SESSIONS),--sessions $(SESSIONS))

bench: need-build $(MODULE) alone $(BUILD)/bench $(BUILD)/stall.so \
		$(BUILD)/slow.so $(BUILD)/fill $(BUILD)/peer $(BUILD)/octets \
		$(BUILD)/pf
	@mk/packages check $(PKG_DEMO) $(PKG_BENCH)
	@$(BUILD)/bench --build $(BUILD) --csv $(BUILD)/bench.csv $(BENCH_ARGS)
	@echo "also in $(BUILD)/bench.csv"

# the end-to-end tests hold the disk with it
ENV += CPM_SLOW=$(CURDIR)/$(BUILD)/slow.so
e2e e2e-san: $(BUILD)/slow.so

.PHONY: bench alone
