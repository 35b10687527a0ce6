/**
 * @file pull.h  What is fetched: what the files of the engine share
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef PULL_H
#define PULL_H

struct session;
struct pulls;

/* One announcement, when a pull began */
struct item {
	char *reference;
	char *from;              /* normalised; NULL: not known             */
	enum cpm_mode mode;
	bool again;              /* announced anew since then               */
};

/* Shared by its session and the messages that come */
struct pull {
	size_t room;
	size_t itemc;
	struct item *itemv;
};

/** The reference of an announcement that names none */
#define PULL_ALL "all"

int pulls_alloc(struct pulls **psp, struct cpm *cpm);

/** Whom a pull of this account asks; borrowed. ps may be NULL */
const char *pull_uri(const struct pulls *ps, const char *aor);

/** It has registered: pull what waits, if that is wanted. ps may be NULL */
void pull_registered(struct pulls *ps, const char *aor);

/** These were announced, and that is committed */
void pull_announced(struct cpm *cpm, const char *aor,
		    const char *const *refv, size_t refc);

/* pull_list.c */

/** What is in the list now. @param pp mem_deref() it. @param refc 0: all.
    @return 0; ENOMEM; those of reading the store */
int pull_load(struct pull **pp, struct cpm *cpm, const char *aor,
	      const char *const *refv, size_t refc);

/** NULL: it is not to bring that one */
struct item *pull_item(const struct pull *p, const char *ref);

/**
 * What the list says of a message that has come.
 *
 * @param p     Pull that it came with; NULL: none, and nothing is known
 * @param id    Its imdn.Message-ID, may be unset
 * @param peer  Its sender, borrowed; NULL: not known
 * @param modep Changed if that is known
 */
void pull_describe(const struct pull *p, const struct pl *id,
		   const char **peer, enum cpm_mode *modep);

/* pull.c */

/** A message is in the store, new or not: it need not be fetched any more
    @param id Its imdn.Message-ID, or NULL */
void pull_stored(struct cpm *cpm, const char *aor, const char *id);

/** A session ends; it may be a pull */
void pull_ended(struct session *s);

#endif
