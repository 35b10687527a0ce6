/**
 * @file page.h  What the tests of page mode share
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef PAGE_H
#define PAGE_H

#include "pager.h"

/** Alice, who registers nowhere, and somebody with MESSAGEs */
struct baresip *page_begin(struct pager *p, const char *config);

/** Nothing came that nobody asked for; both end */
void page_end(struct pager *p, struct baresip *b);

/** A number of cpm_status */
int64_t page_count(struct baresip *b, const char *key);

/** cpm_message */
const struct odict *page_message(struct baresip *b, unsigned id);

/** A MESSAGE that is answered so; what the answer has to have in it */
void page_refused(struct pager *p, unsigned code, const char *has,
		  const struct pager_args *args);

#endif
