# Memory that runs out, for the module in the real softphone.
# SPDX-License-Identifier: BSD-3-Clause

# loaded into programs that may have sanitizers or not, so it has none itself
OOM_SRC := test/shim/oom.c
$(BUILD)/oom.so: $(OOM_SRC) test/shim/oom.h
	@mkdir -p $(@D)
	@echo "  LD   $@"
	@$(CC) $(CSTD) -O2 -g $(WARN) -fPIC -shared -Iinclude -Itest \
		$(RE_CFLAGS) -o $@ $< -ldl

LINT_SRC += $(OOM_SRC)
ENV += CPM_OOM_SHIM=$(CURDIR)/$(BUILD)/oom.so
e2e e2e-san soak loss call: $(BUILD)/oom.so

# each allocation in turn, where the tests take only some of many
oom: need-build $(MODULE) $(BUILD)/pf $(BUILD)/unit $(BUILD)/e2e \
     $(BUILD)/oom.so
	@$(ENV) CPM_OOM=full CK_RUN_SUITE=oom $(BUILD)/unit
	@$(ENV) CPM_OOM=full CK_RUN_SUITE=oom $(BUILD)/e2e

.PHONY: oom
