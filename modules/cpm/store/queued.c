/**
 * @file queued.c  Messages to be sent, on the main loop
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include "store.h"


int cpm_store_put_wait(struct cpm_store *st, struct cpm_msg *msg, uint32_t ms,
		       struct cpm_put_result *resp)
{
	(void)st; (void)msg; (void)ms; (void)resp;
	return ENOSYS;
}


int cpm_store_out_sending(struct cpm_store *st, uint64_t id,
			  enum cpm_mode mode, const char *contribution_id,
			  cpm_done_h *h, void *arg)
{
	(void)st; (void)id; (void)mode; (void)contribution_id; (void)h;
	(void)arg;
	return ENOSYS;
}


int cpm_store_out_again(struct cpm_store *st, uint64_t id, uint64_t next,
			bool told, uint16_t code, const char *reason,
			cpm_done_h *h, void *arg)
{
	(void)st; (void)id; (void)next; (void)told; (void)code; (void)reason;
	(void)h; (void)arg;
	return ENOSYS;
}


int cpm_store_out_end(struct cpm_store *st, uint64_t id, enum cpm_out to,
		      uint16_t code, const char *reason, cpm_done_h *h,
		      void *arg)
{
	(void)st; (void)id; (void)to; (void)code; (void)reason; (void)h;
	(void)arg;
	return ENOSYS;
}


int cpm_store_out_wake(struct cpm_store *st, const char *account,
		       cpm_done_h *h, void *arg)
{
	(void)st; (void)account; (void)h; (void)arg;
	return ENOSYS;
}


int cpm_store_conv_peer(struct cpm_store *st, const char *account,
			const char *peer, uint64_t *idp)
{
	(void)st; (void)account; (void)peer; (void)idp;
	return ENOSYS;
}


int cpm_store_queued_accounts(struct cpm_store *st, cpm_account_h *h,
			      void *arg)
{
	(void)st; (void)h; (void)arg;
	return ENOSYS;
}


int cpm_store_queued(struct cpm_store *st, const char *account, uint64_t now,
		     uint32_t limit, cpm_queued_h *h, void *arg)
{
	(void)st; (void)account; (void)now; (void)limit; (void)h; (void)arg;
	return ENOSYS;
}


int cpm_store_queued_conv(struct cpm_store *st, uint64_t conversation,
			  uint64_t after, uint32_t limit, cpm_queued_h *h,
			  void *arg)
{
	(void)st; (void)conversation; (void)after; (void)limit; (void)h;
	(void)arg;
	return ENOSYS;
}


int cpm_store_queued_next(struct cpm_store *st, const char *account,
			  uint64_t now, uint64_t *nextp)
{
	(void)st; (void)account; (void)now; (void)nextp;
	return ENOSYS;
}
