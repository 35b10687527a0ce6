# What is built with what.
# SPDX-License-Identifier: BSD-3-Clause

SAN      ?=
BUILD    ?= build$(if $(SAN),-san)
MODULE   := $(BUILD)/cpm.so

CC       ?= cc
CSTD     := -std=gnu11
OPT      ?= -O2 -g
WARN     := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes \
	    -Wmissing-prototypes -Wold-style-definition -Wundef \
	    -Wpointer-arith -Wcast-align -Wwrite-strings -Wvla
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer \
	    -fno-sanitize-recover=undefined)

# Debian 12's libre-dev has a .pc file without anything useful for its
# private parts; cflags and -lre are all that is needed
RE_CFLAGS := $(shell pkg-config --cflags libre 2>/dev/null)
RE_LIBS   := $(shell pkg-config --libs libre 2>/dev/null || echo -lre)
# libre's TLS is OpenSSL's; what libre has no call for is set there
RE_LIBS   += $(shell pkg-config --libs openssl 2>/dev/null || \
	     echo -lssl -lcrypto)
DB_LIBS   := $(shell pkg-config --libs sqlite3 2>/dev/null || echo -lsqlite3)
XML_LIBS  := $(shell pkg-config --libs expat 2>/dev/null || echo -lexpat)
# bodies that come compressed
XML_LIBS  += $(shell pkg-config --libs zlib 2>/dev/null || echo -lz)
MAGIC_LIBS := $(shell pkg-config --libs libmagic 2>/dev/null || echo -lmagic)
CHECK_LIBS = $(shell pkg-config --libs check 2>/dev/null || echo -lcheck)

CFLAGS_ALL = $(CSTD) $(OPT) $(WARN) $(SANFLAGS) -fPIC -fvisibility=hidden \
	     -pthread -Iinclude $(RE_CFLAGS) $(CFLAGS)
LDFLAGS_ALL = $(SANFLAGS) -pthread $(LDFLAGS)

# Debian packages: to build, for the demo besides, for the tests besides
PKG_BUILD := gcc libc6-dev pkg-config libre-dev libssl-dev \
	     libsqlite3-dev libexpat1-dev zlib1g-dev libmagic-dev
PKG_DEMO  := baresip-core
PKG_BENCH := kamailio kamailio-tls-modules valgrind
PKG_TEST  := baresip-core binutils check sip-tester kamailio \
	     kamailio-extra-modules kamailio-outbound-modules \
	     kamailio-tls-modules iproute2 linphone-cli openssl \
	     tshark cppcheck clang
