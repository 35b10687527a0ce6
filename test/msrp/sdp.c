/**
 * @file sdp.c  An offer and its answer, to be carried by hand
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "prog.h"


enum {
	SDP_MAX = 65536,     /* octets of a file with an offer              */
};


static int print(struct msrp_sdp *sdp, const struct msrp *msrp, bool tls,
		 const struct msrp_sess *sess, bool offer)
{
	char fp[MSRP_FP_SIZE];
	const struct msrp_local local = {
		.port = msrp_sess_lport(sess),
		.dir = offer ? SDP_RECVONLY : SDP_SENDONLY,
		.setup = offer ? MSRP_SETUP_PASSIVE : MSRP_SETUP_ACTIVE,
		.path = msrp_sess_path(sess),
		.accept_types = "*",
		.tls = tls,
		.fingerprint = tls ? fp : NULL,
	};
	struct mbuf *mb;
	int err = 0;

	if (tls)
		err = msrp_fingerprint(fp, sizeof(fp), msrp);
	if (!err)
		err = msrp_sdp_encode(&mb, sdp, &local, offer);
	if (err)
		return err;

	printf("%.*s\n", (int)mb->end, (const char *)mb->buf);
	mem_deref(mb);

	return 0;
}


/** recv: offer to wait for whoever connects */
int sdp_offer_print(const struct msrp *msrp, const struct opts *o,
		    const struct msrp_sess *sess)
{
	struct msrp_sdp *sdp;
	int err;

	err = msrp_sdp_alloc(&sdp, &o->laddr);
	if (err)
		return err;

	err = print(sdp, msrp, o->tls, sess, true);
	mem_deref(sdp);

	return err;
}


/** send: read it again */
int sdp_offer_read(struct msrp_sdp **sdpp, const char *file,
		   const struct sa *laddr)
{
	struct msrp_sdp *sdp = NULL;
	struct mbuf *mb = NULL;
	FILE *f = fopen(file, "rb");
	int err;

	if (!f)
		return errno;

	mb = mbuf_alloc(SDP_MAX);
	if (!mb) {
		err = ENOMEM;
		goto out;
	}

	mb->end = fread(mb->buf, 1, SDP_MAX, f);
	err = ferror(f) ? EIO : msrp_sdp_alloc(&sdp, laddr);
	if (!err)
		err = msrp_sdp_decode(sdp, mb, true);
	/* we do not listen */
	if (!err && msrp_sdp_remote(sdp)->setup == MSRP_SETUP_ACTIVE)
		err = ENOTSUP;
	if (!err)
		*sdpp = mem_ref(sdp);

 out:
	fclose(f);
	mem_deref(sdp);
	mem_deref(mb);

	return err;
}


/** send: what recv's side would be told */
int sdp_answer_print(struct msrp_sdp *sdp, const struct msrp *msrp,
		     const struct msrp_sess *sess)
{
	return print(sdp, msrp, msrp_sdp_remote(sdp)->tls, sess, false);
}
