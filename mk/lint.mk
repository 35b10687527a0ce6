# What a reader would complain about.
# SPDX-License-Identifier: BSD-3-Clause

LINT_SRC := $(LIB_SRC) $(GLUE_SRC) $(UNIT_SRC) $(E2E_SRC) $(DEMO_SRC) $(PF_SRC) \
	    $(BENCH_SRC) $(BENCH_APART) $(SHIM_SRC) test/shim/steps.c

lint: need-build
	@mk/packages check cppcheck clang
	@mk/layout
	@for h in include/*.h; do \
		echo "#include <$$(basename $$h)>" | \
		$(CC) $(CSTD) $(WARN) -Iinclude $(RE_CFLAGS) -x c \
			-fsyntax-only - || exit 1; done
	@echo "lint: headers stand alone"
	@for c in $(LINT_SRC); do \
		clang $(CSTD) $(WARN) -Iinclude -Itest $(RE_CFLAGS) \
			-fsyntax-only $$c || exit 1; done
	@echo "lint: clang has nothing to say"
	@for c in $(LIB_SRC) $(GLUE_SRC); do \
		$(CC) $(CSTD) $(WARN) -O1 -fanalyzer -Iinclude $(RE_CFLAGS) \
			-c -o /dev/null $$c || exit 1; done
	@echo "lint: gcc -fanalyzer has nothing to say"
	@cppcheck --quiet --error-exitcode=1 --std=c11 \
		--enable=warning,performance,portability \
		--inline-suppr --suppress=missingIncludeSystem \
		--suppress=normalCheckLevelMaxBranches -Iinclude \
		$(LIB_SRC) $(GLUE_SRC)
	@echo "lint: cppcheck has nothing to say"

.PHONY: lint
