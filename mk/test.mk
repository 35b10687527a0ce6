# Tests, demo, and what they install.
# SPDX-License-Identifier: BSD-3-Clause

CFLAGS_test := -Itest
UNIT_SRC := $(wildcard test/unit/*.c test/mock/*.c)
E2E_SRC  := $(wildcard test/e2e/*.c) test/mock/cert.c test/mock/names.c
DEMO_SRC := $(wildcard test/demo/*.c)
# the demo plays with the same pieces as the end-to-end tests
HARNESS_SRC := $(filter-out test/e2e/main.c test/e2e/caller.c test/e2e/ours.c \
	       test/e2e/far.c test/e2e/server.c test/e2e/chatter.c \
	       test/mock/cert.c \
	       test/mock/names.c \
	       $(wildcard test/e2e/test_*.c), \
	       $(E2E_SRC))

# test/mock/oom.c stands in front of what takes memory, clock.c of the clock
OOM_WRAP := malloc calloc realloc strdup strndup opendir fdopendir fopen \
	    fdopen pthread_create XML_ParserCreateNS tmr_jiffies

# of the glue what needs no host
UNIT_GLUE := $(addprefix modules/cpm/,args.c draft.c filetype.c)

$(BUILD)/unit: $(call obj,$(UNIT_SRC) $(UNIT_GLUE)) $(BUILD)/libcpm.a
	@echo "  LD   $@"
	@$(CC) $(LDFLAGS_ALL) $(OOM_WRAP:%=-Wl,--wrap=%) -o $@ $^ \
		$(RE_LIBS) $(DB_LIBS) $(XML_LIBS) $(MAGIC_LIBS) $(CHECK_LIBS)

# the library: what is in a database before the softphone is there
$(BUILD)/e2e: $(call obj,$(E2E_SRC)) $(BUILD)/libcpm.a
	@echo "  LD   $@"
	@$(CC) $(LDFLAGS_ALL) -o $@ $^ $(RE_LIBS) $(DB_LIBS) $(CHECK_LIBS)

$(BUILD)/demo: $(call obj,$(DEMO_SRC) $(HARNESS_SRC))
	@echo "  LD   $@"
	@$(CC) $(LDFLAGS_ALL) -o $@ $^ $(RE_LIBS)

# loaded into programs that may have sanitizers or not, so it has none itself
SHIM_SRC := test/shim/power.c test/shim/note.c
$(BUILD)/power.so: $(SHIM_SRC) $(wildcard test/shim/*.h)
	@mkdir -p $(@D)
	@echo "  LD   $@"
	@$(CC) $(CSTD) -O2 -g $(WARN) -U_FORTIFY_SOURCE -fPIC -pthread -shared \
		-o $@ $(SHIM_SRC) -ldl

$(BUILD)/steps: test/shim/steps.c
	@mkdir -p $(@D)
	@echo "  LD   $@"
	@$(CC) $(CSTD) -O2 -g $(WARN) -o $@ $<

E2E_NEED = need-build $(MODULE) $(BUILD)/pf $(BUILD)/e2e $(BUILD)/power.so \
	   $(BUILD)/steps

ENV = CPM_TEST_DATA=$(CURDIR)/test/data CPM_E2E_DATA=$(CURDIR)/test/e2e/data \
      CPM_MODULE=$(CURDIR)/$(MODULE) CPM_PF=$(CURDIR)/$(BUILD)/pf \
      CPM_POWER=$(CURDIR)/$(BUILD)/power.so CPM_STEPS=$(CURDIR)/$(BUILD)/steps
# the stock baresip is not built with sanitizers: they are loaded into it
ENV_SAN = CPM_PRELOAD=$(shell $(CC) -print-file-name=libasan.so) CPM_LEAKS=1

# suites at a time
SUITES ?= 1

unit: need-build $(BUILD)/unit
	@$(ENV) SUITES=$(SUITES) mk/suites $(BUILD)/unit unit

e2e: $(E2E_NEED)
	@$(ENV) SUITES=$(SUITES) mk/suites $(BUILD)/e2e e2e

# make e2e-san SAN=address,undefined: the same tests, ASan and UBSan loaded
# into the real baresip, leaks looked for at its exit
e2e-san: $(E2E_NEED)
	@$(ENV) $(ENV_SAN) ASAN_OPTIONS=detect_leaks=0 \
		SUITES=$(SUITES) mk/suites $(BUILD)/e2e e2e

demo:
	@mk/packages install $(PKG_BUILD) $(PKG_DEMO)
	@$(MAKE) --no-print-directory run-demo

run-demo: $(MODULE) $(BUILD)/pf $(BUILD)/demo
	@$(ENV) $(BUILD)/demo

test:
	@mk/packages install $(PKG_BUILD) $(PKG_TEST)
	@mk/suite

# mostly they wait: so all cases run side by side
ROUNDS ?= 200
soak: $(E2E_NEED)
	@$(ENV) CPM_ROUNDS=$(ROUNDS) mk/soak $(BUILD)/e2e

# the path says its seed; CPM_SEED=... takes that one
MESSAGES ?= 2000
loss: $(E2E_NEED)
	@$(ENV) CPM_MESSAGES=$(MESSAGES) CK_RUN_SUITE=page CK_RUN_CASE=loss \
		$(BUILD)/e2e

call: $(E2E_NEED)
	@$(ENV) CPM_CALL_SECONDS=60 CK_RUN_SUITE=call $(BUILD)/e2e


.PHONY: unit e2e e2e-san demo run-demo test soak loss call
