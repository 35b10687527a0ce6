# The module, the library below it, and the Participating Function.
# SPDX-License-Identifier: BSD-3-Clause

LIB_SRC  := $(wildcard modules/cpm/*/*.c)
GLUE_SRC := $(wildcard modules/cpm/*.c)
PF_SRC   := $(wildcard test/pf/*.c)

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

module: need-build $(MODULE)
pf: need-build $(BUILD)/pf

$(BUILD)/libcpm.a: $(call obj,$(LIB_SRC))
	@rm -f $@
	@ar rcs $@ $^

# The host's symbols come from the process that loads the module: the link
# leaves them open, and test/e2e checks them against the host.
# The linker keeps the arrows honest: unit tests link libcpm.a without a host
$(MODULE): $(call obj,$(GLUE_SRC)) $(BUILD)/libcpm.a
	@echo "  LD   $@"
	@$(CC) $(LDFLAGS_ALL) -shared -o $@ $(call obj,$(GLUE_SRC)) \
		-Wl,--exclude-libs,ALL $(BUILD)/libcpm.a \
		$(RE_LIBS) $(DB_LIBS) $(XML_LIBS) $(MAGIC_LIBS)

$(BUILD)/pf: $(call obj,$(PF_SRC))
	@echo "  LD   $@"
	@$(CC) $(LDFLAGS_ALL) -o $@ $^ $(RE_LIBS) $(DB_LIBS)

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC   $<"
	@$(CC) $(CFLAGS_ALL) $(CFLAGS_$(firstword $(subst /, ,$<))) \
		-MMD -MP -c -o $@ $<

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

# plain make installs nothing: it says what is missing and how to get it
need-build:
	@mk/packages check $(PKG_BUILD)

.PHONY: module pf need-build
