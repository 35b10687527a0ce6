/**
 * @file demo.c  The main job, for people to watch
 *
 * Somebody wrote while Alice was away. Real programs on loopback: our own
 * Participating Function, the stock baresip with cpm.so, this program on its
 * ctrl_tcp. Each "ok" was checked; the first thing that is not as it should
 * be ends it with status 1 and says which.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include <stdlib.h>
#include "e2e/e2e.h"


enum {
	BIG   = 1048576,  /* octets of Carol's text                         */
	LINE  = 31,       /* octets of a generated line, see pf --help      */
	BURST = 40,       /* messages of the delivery that is cut off       */
	CUT   = 12,       /* of them acknowledged when baresip is killed    */
};

static const char alice[] = "sip:alice@cpm.test";
static const char bob[]   = "sip:bob@cpm.test";
static const char carol[] = "sip:carol@cpm.test";

static const char *const textv[] = {
	"Grüße aus Zürich, Алиса! 你好 — שלום 😀",
	"The train leaves at 18:05, platform 7.",
};


static void title(const char *text)
{
	printf("\n%s\n", text);
}


static void check(bool good, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);

	if (!good)
		e2e_fail("not so: %s", text);
	printf("  ok    %s\n", text);
}


static void show_event(const char *name, const struct odict *ev)
{
	printf("  event cpm,%s: ", name);
	if (j_has(ev, "count"))
		printf("%lld new in conversation %lld, deferred\n",
		       (long long)j_int(ev, "count"),
		       (long long)j_int(ev, "conversation"));
	else
		printf("session %lld %s, %lld messages\n",
		       (long long)j_int(ev, "session"),
		       j_str(ev, "state"), (long long)j_int(ev, "messages"));
}


/* Show what the bus says until so many messages were announced */
static void watch(struct ctrl *c, unsigned want)
{
	unsigned count = 0;

	while (count < want) {
		const struct odict *ev = ctrl_event(c, "message", E2E_WAIT);

		show_event("message", ev);
		count += (unsigned)j_int(ev, "count");
	}
	check(count == want, "%u messages announced", want);
}


static struct pf *start_pf(struct env *env)
{
	static const char *const argv[] = {
		"-D", "cpm.test", "-u", "alice:secret", "-w", "4", NULL,
	};
	struct pf *pf = pf_start(env, argv);

	printf("  pf listens on %s\n", pf->sip);

	return pf;
}


static void leave(struct pf *pf)
{
	pf_cmd(pf, "leave from=%s to=%s name=Bob text=%s", bob, alice,
	       textv[0]);
	pf_cmd(pf, "leave from=%s to=%s name=Bob text=%s", bob, alice,
	       textv[1]);
	pf_cmd(pf, "leave from=%s to=%s name=Carol size=%u", carol, alice,
	       BIG);
	check(pf_int(pf_ask(pf, "pending to=%s", alice), "count") == 3,
	      "the server keeps 2 messages of Bob, 1 of Carol");
}


static struct baresip *start_alice(struct env *env, const struct pf *pf)
{
	struct baresip_args args = {.name = "alice"};

	args.accounts = baresip_account(env, "alice", "cpm.test", pf->sip,
					NULL);

	return baresip_start(env, &args);
}


/* The text is lines that begin with their number */
static bool lines_good(const char *text, size_t len)
{
	size_t off;

	for (off = 0; off + LINE <= len; off += LINE) {
		if (strtoul(text + off, NULL, 10) != off / LINE)
			return false;
	}

	return true;
}


static void read_big(struct env *env, struct ctrl *c, int64_t id)
{
	struct mbuf *mb = env_keep(env, mbuf_alloc(BIG + 1));
	unsigned parts = 0;

	while (mb->end < BIG) {
		const struct odict *o = ctrl_ask(c, "cpm_message",
			"{\"id\":%lld,\"offset\":%zu,\"length\":60000}",
			(long long)id, mb->end);
		const char *part = j_str(o, "text");

		if (!*part || mbuf_write_str(mb, part))
			e2e_fail("part at %zu is empty", mb->end);
		++parts;
	}
	(void)mbuf_write_u8(mb, 0);

	check(mb->end - 1 == BIG && lines_good((char *)mb->buf, BIG),
	      "Carol's text read in %u parts: %u octets, every line in place",
	      parts, BIG);
}


static void read_all(struct env *env, struct ctrl *c)
{
	const struct odict *o, *m;
	int64_t conv, big = 0;
	unsigned i, n, found = 0;

	o = ctrl_ask(c, "cpm_conversations", NULL);
	n = j_count(o, "conversations");
	check(n == 2, "cpm_conversations: 2 conversations");

	for (i=0; i<n; i++) {
		const struct odict *cv = j_at(o, "conversations", i);

		printf("        %lld: %s <%s>, %lld unread\n",
		       (long long)j_int(cv, "id"), j_str(cv, "name"),
		       j_str(cv, "peer"), (long long)j_int(cv, "unread"));
		conv = j_int(cv, "id");
		m = ctrl_ask(c, "cpm_messages", "%lld", (long long)conv);

		if (!str_cmp(j_str(cv, "peer"), carol)) {
			big = j_int(m, "messages.0.id");
			check(j_int(m, "messages.0.size") == BIG,
			      "cpm_messages: one of %u octets", BIG);
			continue;
		}

		for (found=0; found<2; found++) {
			const struct odict *msg = j_at(m, "messages", found);

			printf("        \"%s\"\n", j_str(msg, "text"));
			check(!str_cmp(j_str(msg, "text"), textv[found]),
			      "it is what Bob wrote");
		}
	}

	check(found == 2 && big, "messages of both senders found");
	read_big(env, c, big);
}


static void notified(struct pf *pf, const char *status, unsigned want)
{
	unsigned i;

	for (i=0; i<want; i++) {
		const struct pf_event *ev = pf_event_kv(pf, "imdn", "status",
							status, E2E_WAIT);

		printf("  imdn  %s was told: %s\n", pf_str(ev, "to"),
		       pf_str(ev, "status"));
		if (pf_int(ev, "repeat"))
			e2e_fail("not so: told once");
	}
	check(true, "%u senders' messages %s, each told once", want, status);
}


static void display_all(struct ctrl *c)
{
	const struct odict *o = ctrl_ask(c, "cpm_conversations", NULL);
	unsigned i, n = j_count(o, "conversations");
	int64_t sum = 0;

	for (i=0; i<n; i++) {
		const struct odict *d = ctrl_ask(c, "cpm_display", "c%lld",
			(long long)j_int(j_at(o, "conversations", i), "id"));

		sum += j_int(d, "displayed");
	}
	check(sum == 3, "cpm_display: 3 messages marked as read");
}


static void cut_off(struct pf *pf, struct baresip *b)
{
	unsigned i;

	pf_cmd(pf, "auto off");
	for (i=1; i<=BURST; i++)
		pf_cmd(pf, "leave from=%s to=%s name=Bob text=number %u.",
		       bob, alice, i);
	pf_cmd(pf, "fault delay=10");
	pf_cmd(pf, "auto on");
	pf_cmd(pf, "deliver to=%s", alice);

	for (i=0; i<CUT; i++)
		(void)pf_event(pf, "delivered", E2E_WAIT);
	baresip_kill(b);
	printf("  kill  -9, after %u of %u were acknowledged\n", i, BURST);
	pf_cmd(pf, "fault none");
}


static void nothing_missing(struct env *env, struct ctrl *c)
{
	unsigned seenv[BURST + 1] = {0}, i, n = 0;
	const struct odict *o;
	int64_t after = 0;

	do {
		o = ctrl_ask(c, "cpm_messages",
			     "{\"after\":%lld,\"limit\":50}",
			     (long long)after);
		for (i=0; i<j_count(o, "messages"); i++) {
			const struct odict *m = j_at(o, "messages", i);
			unsigned num;

			if (sscanf(j_str(m, "text"), "number %u.", &num) == 1
			    && num <= BURST) {
				++seenv[num];
				++n;
			}
			if (j_int(m, "id") > after)
				after = j_int(m, "id");
		}
	} while (j_bool(o, "more"));
	(void)env;

	for (i=1; i<=BURST; i++) {
		if (seenv[i] != 1)
			e2e_fail("not so: message %u is there %u times", i,
				 seenv[i]);
	}
	check(n == BURST, "all %u are there, none twice", BURST);
}


static void come_back(struct env *env, struct pf *pf, struct baresip *b)
{
	const struct pf_event *ev;
	struct wait w;
	int64_t repeats;

	baresip_restart(b);
	baresip_registered(b, E2E_WAIT);

	wait_start(&w, 2 * E2E_WAIT, "the rest to be delivered");
	while (wait_more(&w)) {
		ev = pf_ask(pf, "pending to=%s", alice);
		if (!pf_int(ev, "count"))
			break;
	}
	check(true, "after the restart the server has nothing left");
	nothing_missing(env, b->ctrl);

	(void)ctrl_until(b->ctrl, "cpm_status", NULL, "imdn_pending", 0,
			 2 * E2E_WAIT);
	ev = pf_ask(pf, "stats");
	repeats = pf_int(ev, "repeats");
	check(pf_int(ev, "imdn") == 2 * 3 + BURST,
	      "each of them was notified (%lld repeated: sent, and killed "
	      "before the answer was stored)", (long long)repeats);
}


int main(void)
{
	struct env *env;
	struct baresip *b;
	struct pf *pf;

	setvbuf(stdout, NULL, _IOLBF, 0);
	env = env_open();

	title("Alice is away. Two people write to her.");
	pf = start_pf(env);
	leave(pf);

	title("Alice starts her softphone, the stock baresip with cpm.so.");
	b = start_alice(env, pf);
	watch(b->ctrl, 3);
	(void)ctrl_until(b->ctrl, "cpm_status", NULL, "sessions", 0,
			 E2E_WAIT);
	check(true, "the server ended its sessions");

	title("She reads.");
	read_all(env, b->ctrl);
	notified(pf, "delivered", 3);
	display_all(b->ctrl);
	notified(pf, "displayed", 3);

	title("More comes, and her softphone is killed in the middle.");
	cut_off(pf, b);
	come_back(env, pf, b);

	check(baresip_quit(b) == 0, "baresip ends with status 0");
	check(pf_quit(pf) == 0, "pf ends with status 0");
	env_close(env);
	puts("\nEverything was checked and is as it should be.");

	return 0;
}
