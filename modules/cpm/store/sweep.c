/**
 * @file sweep.c  Old messages go, some at a time
 *
 * Runs in the writer, inside a transaction. Like one that the user deletes, a
 * message leaves its key behind, and what its sender is still to be told.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include "store.h"


/* Before any of them is deleted: the statement that finds them has ended */
static int collect(struct write *w, uint64_t before,
		   uint64_t idv[CPM_SWEEP_MAX], size_t *idcp)
{
	struct dbq q;
	int err;

	*idcp = 0;
	dbq_start(&q, w->db, SQL_SWEEP);
	dbq_int(&q, 1, before);
	dbq_int(&q, 2, CPM_SWEEP_MAX);
	while (!(err = dbq_step(&q)))
		idv[(*idcp)++] = dbq_get(&q, 0);
	dbq_end(&q);

	return err == ENOENT ? 0 : err;
}


int write_sweep(struct write *w, struct job *job)
{
	uint64_t idv[CPM_SWEEP_MAX];
	size_t idc = 0, i;
	int err;

	err = collect(w, job->next, idv, &idc);
	if (err)
		return err;
	if (!idc)
		return ENOENT;

	for (i=0; i<idc && !err; i++) {
		err = write_delete(w, idv[i]);

		/* it was there a moment ago, in this very transaction */
		if (err == ENOENT)
			err = EIO;
	}

	return err;
}
