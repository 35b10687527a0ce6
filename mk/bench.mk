# Figures, side by side in one run. Ratios count, not seconds.
# SPDX-License-Identifier: BSD-3-Clause

BENCH_SRC := $(wildcard test/bench/*.c)

$(BUILD)/bench: $(call obj,$(BENCH_SRC))
	@echo "  LD   $@"
	@$(CC) $(LDFLAGS_ALL) -o $@ $^ $(DB_LIBS)

N ?= 100000
bench: need-build $(MODULE) $(BUILD)/bench
	@mk/packages check $(PKG_DEMO)
	@$(BUILD)/bench $(CURDIR)/$(MODULE) $(BUILD)/bench.csv $(N)
	@echo "also in $(BUILD)/bench.csv"

.PHONY: bench
