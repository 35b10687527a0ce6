/**
 * @file sip.c  Fuzz: what the engine reads of a SIP request: whose it is,
 * which service, which conversation, the session timer, its SDP
 *
 * libre reads the message; ours reads the values.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "../../modules/cpm/engine/engine.h"
#include "../../modules/cpm/engine/session.h"
#include "fuzz.h"


static void origin_check(const struct origin *org)
{
	struct pl pl;
	char *key, *norm;

	if (org->peer) {
		/* what is normalised stays as it is */
		pl_set_str(&pl, org->peer);
		CHECK(!cpm_uri_norm(&norm, &pl));
		CHECK(!strcmp(norm, org->peer) ||
		      strstr(org->peer, ":5060") || strstr(org->peer, ":5061"));
		mem_deref(norm);
	}
	CHECK(!org->name || (strlen(org->name) <= CPM_NAME_MAX));
	CHECK(!org->conversation_id ||
	      strlen(org->conversation_id) <= CPM_ID_MAX);
	CHECK(!org->contribution_id ||
	      strlen(org->contribution_id) <= CPM_ID_MAX);
	CHECK(!org->in_reply_to || strlen(org->in_reply_to) <= CPM_ID_MAX);

	CHECK(!conv_key(&key, org, org->peer));
	mem_deref(key);
}


static void timer_check(const struct sip_msg *msg)
{
	struct session s;
	int err;

	memset(&s, 0, sizeof(s));
	err = timer_decode(&s, msg);
	CHECK(err == 0 || err == EOVERFLOW);
	CHECK(!s.expires || s.expires >= CPM_MIN_SE);
	if (err)
		CHECK(!s.expires);
}


static void body_check(const struct sip_msg *msg)
{
	struct msrp_sdp *sdp;
	struct sa laddr;

	CHECK(!sa_set_str(&laddr, "192.0.2.1", 0));
	CHECK(!msrp_sdp_alloc(&sdp, &laddr));
	(void)msrp_sdp_decode(sdp, msg->mb, true);
	mem_deref(sdp);
}


static bool retry_handler(const struct sip_hdr *hdr,
			  const struct sip_msg *msg, void *arg)
{
	(void)msg;
	(void)arg;

	CHECK(retry_seconds(&hdr->val) <= 86400);

	return false;
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mbuf *mb = fuzz_mbuf(data, size);
	struct sip_msg *msg = NULL;
	struct origin org;
	int err;

	if (sip_msg_decode(&msg, mb))
		goto out;

	err = origin_decode(&org, msg, true);
	CHECK(err == 0 || err == EBADMSG || err == EOVERFLOW);
	if (!err)
		origin_check(&org);
	origin_reset(&org);

	(void)tag_msg(msg);
	timer_check(msg);
	body_check(msg);
	(void)sip_msg_xhdr_apply(msg, true, "Retry-After", retry_handler,
				 NULL);
	(void)sip_msg_hdr_apply(msg, true, SIP_HDR_RETRY_AFTER,
				retry_handler, NULL);
 out:
	mem_deref(msg);
	mem_deref(mb);

	return 0;
}
