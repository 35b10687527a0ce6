# The MSRP library by itself: libre and its OpenSSL are all that it needs.
# SPDX-License-Identifier: BSD-3-Clause

MSRP_SRC := $(wildcard modules/cpm/msrp/*.c)
PROG_SRC := $(wildcard test/msrp/*.c)
LINT_SRC += $(PROG_SRC)

$(BUILD)/libcpm_msrp.a: $(call obj,$(MSRP_SRC))
	@rm -f $@
	@ar rcs $@ $^

$(BUILD)/msrp: $(call obj,$(PROG_SRC)) $(BUILD)/libcpm_msrp.a
	@echo "  LD   $@"
	@$(CC) $(LDFLAGS_ALL) -o $@ $^ $(RE_LIBS)

msrp: need-build $(BUILD)/msrp

VERSION = $(shell sed -n 's/.*CPM_VERSION "\(.*\)"/\1/p' include/cpm.h)
PREFIX ?= /usr/local
# the library for other programs: pkg-config --cflags --libs cpm_msrp
install-msrp: need-build $(BUILD)/libcpm_msrp.a
	@install -d $(DESTDIR)$(PREFIX)/include \
		$(DESTDIR)$(PREFIX)/lib/pkgconfig
	@install -m 644 include/cpm_msrp.h include/cpm_msrp_codec.h \
		include/cpm_re.h $(DESTDIR)$(PREFIX)/include
	@install -m 644 $(BUILD)/libcpm_msrp.a $(DESTDIR)$(PREFIX)/lib
	@sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' \
		mk/cpm_msrp.pc.in \
		>$(DESTDIR)$(PREFIX)/lib/pkgconfig/cpm_msrp.pc

lint: lint-library
lint-library: $(BUILD)/libcpm_msrp.a
	@CC="$(CC)" MAKE="$(MAKE)" mk/library $(BUILD)/libcpm_msrp.a

ENV += CPM_MSRP=$(CURDIR)/$(BUILD)/msrp CPM_ROOT=$(CURDIR)
e2e e2e-san: $(BUILD)/msrp

.PHONY: msrp install-msrp lint-library
