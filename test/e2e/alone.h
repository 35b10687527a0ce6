/**
 * @file alone.h  What the tests of build/msrp share
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef ALONE_H
#define ALONE_H

#include "suite.h"

enum {
	BIG = 20000000,      /* octets of the large file                  */
};

/** Start the program. @param argv Without its name, NULL ends it */
struct proc *alone_run(struct env *env, const char *name,
		       const char *const *argv);

#define RUN(env, name, ...) \
	alone_run((env), (name), (const char *const []){__VA_ARGS__, NULL})

/** The next path that the receiver prints */
char *alone_path(struct proc *p);

/** A file of octets that nobody could guess, other ones for each seed */
char *alone_file(struct env *env, const char *name, size_t size,
		 uint64_t seed);

/** A folder for the receiver */
char *alone_inbox(struct env *env);

/** Two files have the same octets */
void alone_same(const char *a, const char *b);

/** Entries of a folder besides . and .. */
unsigned alone_entries(const char *path);

void alone_tls_cases(Suite *suite);

#endif
