# Fuzzing with libFuzzer, ASan and UBSan: one target a file of test/fuzz.
# SPDX-License-Identifier: BSD-3-Clause

# the library is built again with clang: what gcc builds tells libFuzzer
# nothing about the ways that were taken
FUZZ      := $(BUILD)/fuzz
FUZZ_CC   ?= clang
FUZZ_SAN  := -fsanitize=address,undefined -fno-sanitize-recover=all \
	     -fno-omit-frame-pointer
# what a target says of its input guides libFuzzer, how it checks does not
FUZZ_COV   = $(if $(filter $(FUZZ_HELP) $(FUZZ_FAKE),$<),, \
	     -fsanitize=fuzzer-no-link)
# shared by all; in front of libre, for the target that plays sessions
FUZZ_HELP := test/fuzz/fuzz.c
FUZZ_FAKE := $(wildcard test/fuzz/fake/*.c test/fuzz/play/*.c)
FUZZ_SRC  := $(wildcard test/fuzz/*.c)
FUZZ_ALL  := $(patsubst test/fuzz/%.c,%,$(filter-out $(FUZZ_HELP),$(FUZZ_SRC)))
PKG_TEST  += libclang-rt-dev llvm

fuzz_obj = $(patsubst %.c,$(FUZZ)/obj/%.o,$(1))

$(FUZZ)/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo "  FUZZ $<"
	@$(FUZZ_CC) $(CSTD) -O1 -g $(WARN) $(FUZZ_SAN) $(FUZZ_COV) -pthread \
		-Iinclude -Itest $(RE_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

-include $(shell find $(FUZZ)/obj -name '*.d' 2>/dev/null)

$(FUZZ)/libcpm.a: $(call fuzz_obj,$(LIB_SRC))
	@rm -f $@
	@ar rcs $@ $^

# the commands' parameters are read without the host
$(FUZZ)/args: $(call fuzz_obj,modules/cpm/args.c)
$(FUZZ)/session: $(call fuzz_obj,$(FUZZ_FAKE))

$(FUZZ_ALL:%=$(FUZZ)/%): $(FUZZ)/%: $(FUZZ)/obj/test/fuzz/%.o \
		$(call fuzz_obj,$(FUZZ_HELP)) $(FUZZ)/libcpm.a
	@echo "  LD   $@"
	@$(FUZZ_CC) -fsanitize=fuzzer,address,undefined -pthread -o $@ \
		$(filter %.o,$^) $(FUZZ)/libcpm.a $(RE_LIBS) $(DB_LIBS) \
		$(XML_LIBS)

LINT_SRC += $(FUZZ_SRC) $(FUZZ_FAKE)

comma := ,
# make fuzz T=60 WHAT=msrp,cpim JOBS=2: T seconds each
T     ?= 60
JOBS  ?= 2
FUZZ_WHAT = $(if $(WHAT),$(subst $(comma), ,$(WHAT)),$(FUZZ_ALL))

need-fuzz: need-build
	@mk/packages check clang libclang-rt-dev llvm

fuzz-build: need-fuzz $(FUZZ_ALL:%=$(FUZZ)/%)

fuzz: need-fuzz $(FUZZ_WHAT:%=$(FUZZ)/%)
	@mk/fuzz $(FUZZ) $(T) $(JOBS) $(FUZZ_WHAT)

.PHONY: need-fuzz fuzz fuzz-build
