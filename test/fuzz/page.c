/**
 * @file page.c  Fuzz: a SIP MESSAGE in page mode: what it carries, its row
 *
 * libre reads the request; ours reads the rest, up to what is put into the
 * store.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "../../modules/cpm/engine/engine.h"
#include "../../modules/cpm/engine/content.h"
#include "../../modules/cpm/engine/take.h"
#include "../../modules/cpm/engine/trust.h"
#include "fuzz.h"


static bool known(int err)
{
	return err == 0 || err == EBADMSG || err == EOVERFLOW ||
		err == ENOTSUP || err == EMSGSIZE;
}


static void text_check(const char *str, size_t max)
{
	CHECK(!str || strlen(str) <= max);
}


static void row_check(const struct cpm_msg *msg, const struct source *src)
{
	CHECK(msg->mode == CPM_PAGE && msg->direction == CPM_IN);
	CHECK(msg->key && msg->msgkey && msg->type);
	CHECK(!strcmp(msg->account, src->aor));
	text_check(msg->imdn_id, CPM_ID_MAX);
	text_check(msg->conversation_id, CPM_ID_MAX);
	text_check(msg->name, CPM_NAME_MAX);
	text_check(msg->type, CPM_TYPE_MAX);
	text_check(msg->peer, CPM_URI_MAX + 8);
	/* nobody is told of what has no name, or no sender */
	if (msg->report[CPM_DELIVERED] != CPM_REPORT_NONE)
		CHECK(msg->peer && msg->imdn_id);
	CHECK(msg->body && !msg->large);
}


static int row(struct cpm_msg **msgp, const struct source *src,
	       const struct content *c, uint64_t time)
{
	const struct taken how = {.local = "7", .time = time};
	struct cpim_msg *cpim = NULL, bare;
	int err;

	if (c->bare) {
		memset(&bare, 0, sizeof(bare));
		bare.mb    = c->mb;
		bare.ctype = c->ctype;
		bare.cte   = c->cte;
		return record(msgp, src, &bare, 0, &how);
	}

	err = cpim_decode_all(&cpim, c->mb);
	if (!err) {
		(void)notification_is(cpim);
		err = record(msgp, src, cpim, 0, &how);
	}
	mem_deref(cpim);

	return err;
}


static void take(const struct sip_msg *smsg, const struct content *c)
{
	const struct sip_hdr *hdr = sip_msg_hdr(smsg, SIP_HDR_DATE);
	struct source *src = NULL;
	struct cpm_msg *msg = NULL;
	uint64_t time = 0;
	struct cpm cpm;
	int err;

	memset(&cpm, 0, sizeof(cpm));
	cpm.conf.delivery_imdn = true;
	CHECK(!policy_alloc(&cpm.policy));
	CHECK(!trust_alloc(&cpm.trust, &cpm));

	if (hdr && !content_date(&time, &hdr->val))
		CHECK(time < 253402300800000ULL);  /* the year 10000 */

	err = source_alloc(&src, &cpm, "sip:alice@example.net", smsg);
	CHECK(known(err));
	if (!err) {
		src->mode = CPM_PAGE;
		err = row(&msg, src, c, time);
		CHECK(known(err));
	}
	if (!err)
		row_check(msg, src);

	mem_deref(msg);
	mem_deref(src);
	mem_deref(cpm.trust);
	mem_deref(cpm.policy);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mbuf *mb = fuzz_mbuf(data, size);
	struct sip_msg *msg = NULL;
	struct content c;
	int err;

	/* others are refused before they are looked at */
	if (sip_msg_decode(&msg, mb) || !msg->req || !pl_isset(&msg->callid))
		goto out;

	err = content_decode(&c, msg);
	CHECK(known(err));
	CHECK(!c.mb == (err != 0));
	if (!err) {
		CHECK(c.mb->pos == 0);
		/* of parts these are of what it was before */
		if (!c.plain) {
			fuzz_inside(&c.ctype, mb->buf, size);
			fuzz_inside(&c.cte, mb->buf, size);
		}
		take(msg, &c);
	}
	CHECK(!err || !c.plain);
	content_reset(&c);
 out:
	mem_deref(msg);
	mem_deref(mb);

	return 0;
}
