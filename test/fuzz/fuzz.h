/**
 * @file fuzz.h  What the fuzz targets share
 *
 * Each other file of this folder is one target. A target fails by abort(), or
 * by what the sanitizers see; what it prints before is for whoever reads the
 * finding.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cpm_re.h>

/** libFuzzer calls it for each input. @return 0 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** An invariant; what is broken is a finding */
#define CHECK(cond)							\
	do {								\
		if (!(cond))						\
			fuzz_broken(#cond, __FILE__, __LINE__);		\
	} while (0)

_Noreturn void fuzz_broken(const char *cond, const char *file, int line);

/** An exact copy in memory of its own: one octet behind it is an error.
    @return mem_deref() it */
struct mbuf *fuzz_mbuf(const void *p, size_t len);

/** The same as a string; ends at the first NUL, as what comes from a host
    does. @return mem_deref() it */
char *fuzz_str(const void *p, size_t len);

/** A view is unset or inside of [p, p + len) */
void fuzz_inside(const struct pl *pl, const void *p, size_t len);

/** Same text, and both set or both unset */
bool fuzz_same(const char *a, const char *b);

/** A number that depends on the input only, for cuts: the input stays what
    comes over the wire */
struct fuzz_rnd {
	uint64_t x;
};
void fuzz_rnd_init(struct fuzz_rnd *rnd, const uint8_t *data, size_t size);
uint32_t fuzz_rnd_next(struct fuzz_rnd *rnd, uint32_t below);

/** Octets taken from the front of the input; 0 when nothing is left */
struct fuzz_in {
	const uint8_t *p;
	size_t l;
};
uint8_t fuzz_take(struct fuzz_in *in);

/** The next line, without its LF */
struct pl fuzz_line(struct fuzz_in *in);

#endif
