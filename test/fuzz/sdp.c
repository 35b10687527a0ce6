/**
 * @file sdp.c  Fuzz: SDP of an MSRP session: an offer, our answer to it, a
 * second offer after it, and ours read by another
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cpm_msrp.h>
#include "fuzz.h"


static void remote_check(const struct msrp_remote *r)
{
	struct msrp_uri uri;
	struct pl path;

	CHECK(str_isset(r->path) && str_isset(r->accept_types));
	CHECK(sa_isset(&r->addr, SA_ALL));
	CHECK(!sa_is_any(&r->addr));
	path.p = r->path;
	path.l = strcspn(r->path, " ");
	CHECK(!msrp_uri_decode(&uri, &path));
	CHECK(r->setup <= MSRP_SETUP_PASSIVE);
}


static struct msrp_sdp *sdp_alloc(void)
{
	struct msrp_sdp *sdp;
	struct sa laddr;

	CHECK(!sa_set_str(&laddr, "192.0.2.1", 0));
	CHECK(!msrp_sdp_alloc(&sdp, &laddr));

	return sdp;
}


static const char *path_of(bool tls)
{
	return tls ? "msrps://192.0.2.1:7654/abcdef;tcp"
		: "msrp://192.0.2.1:7654/abcdef;tcp";
}


static struct mbuf *encode(struct msrp_sdp *sdp, bool offer, bool tls)
{
	struct msrp_local local;
	struct mbuf *mb;

	memset(&local, 0, sizeof(local));
	local.port = 7654;
	local.dir = offer ? SDP_SENDRECV : SDP_RECVONLY;
	local.setup = MSRP_SETUP_ACTIVE;
	local.tls = tls;
	local.path = path_of(tls);
	local.fingerprint = tls ? "sha-256 AB:CD" : NULL;
	local.accept_types = "message/cpim";
	local.accept_wrapped_types = "text/plain *";
	local.max_size = 1000;
	CHECK(!msrp_sdp_encode(&mb, sdp, &local, offer));

	return mb;
}


/* libre echoes media lines that it rejects, octet for octet up to a NUL */
static bool is_text(const uint8_t *data, size_t size)
{
	size_t i;

	for (i=0; i<size; i++) {
		if (data[i] < 0x20 && data[i] != '\r' && data[i] != '\n')
			return false;
	}

	return true;
}


/* What we write, another one of us can read */
static void read_back(struct msrp_sdp *sdp, bool offer, bool tls)
{
	struct mbuf *mb = encode(sdp, offer, tls);
	struct msrp_sdp *peer = sdp_alloc();
	const struct msrp_remote *r;
	int err;

	err = msrp_sdp_decode(peer, mb, true);
	if (!err) {
		r = msrp_sdp_remote(peer);
		remote_check(r);
		CHECK(r->tls == tls && !strcmp(r->path, path_of(tls)));
		CHECK(r->max_size == 1000);
		CHECK(sa_port(&r->addr) == 7654);
	}
	else {
		/* a rejected media line has no port; the rest is ours */
		CHECK(err == ENOENT);
	}
	mem_deref(peer);
	mem_deref(mb);
}


static int decode(struct msrp_sdp *sdp, const uint8_t *data, size_t size,
		  bool offer)
{
	struct mbuf *mb = fuzz_mbuf(data, size);
	int err;

	err = msrp_sdp_decode(sdp, mb, offer);
	CHECK(err == 0 || err == EBADMSG || err == ENOENT || err == EPROTO);
	if (err)
		CHECK(!msrp_sdp_remote(sdp)->path);
	else
		remote_check(msrp_sdp_remote(sdp));
	mem_deref(mb);

	return err;
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct msrp_sdp *sdp = sdp_alloc();
	struct mbuf *mb;

	/* theirs, then ours, then theirs again (re-INVITE) */
	if (!decode(sdp, data, size, true)) {
		if (is_text(data, size))
			read_back(sdp, false, msrp_sdp_remote(sdp)->tls);
		(void)decode(sdp, data, size / 2, true);
		CHECK(!decode(sdp, data, size, true));
	}
	mem_deref(sdp);

	/* an answer to ours */
	sdp = sdp_alloc();
	mb = encode(sdp, true, size & 1);
	mem_deref(mb);
	(void)decode(sdp, data, size, false);
	read_back(sdp, true, size & 1);
	mem_deref(sdp);

	return 0;
}
