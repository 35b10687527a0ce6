/**
 * @file compose_out.h  The CPIM of a message of ours
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef COMPOSE_OUT_H
#define COMPOSE_OUT_H

struct out_msg;

/**
 * Append everything of its CPIM up to the body (RFC 3862; RFC 5438, 6): then
 * m->size octets follow as they are.
 *
 * @return 0; EINVAL: it can never be written; ENOMEM. When it fails mb is as
 *         before
 */
int out_cpim_head(struct mbuf *mb, const struct out_msg *m);

/**
 * Write len octets of its body from off on (fewer at its end) at mb's pos,
 * which moves behind them: from the store, or from the user's file.
 *
 * @return 0; ESTALE: the file is not the one any more that was to be sent, or
 *         is gone; EACCES: it must not be read; EIO: it cannot be; those of
 *         cpm_store_body(), but EBADMSG; ENOMEM
 */
int out_body(struct mbuf *mb, struct cpm *cpm, const struct out_msg *m,
	     uint64_t off, size_t len);

#endif
