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
#include <string.h>
#include "e2e/e2e.h"


enum {
	PHOTO = 300000,   /* octets of Carol's file                         */
	CHAT  = 5,        /* messages of Dave: more than "few"              */
	BURST = 40,       /* messages of the delivery that is cut off       */
	CUT   = 12,       /* of them acknowledged when baresip is killed    */
};

static const char alice[] = "sip:alice@cpm.test";
static const char bob[]   = "sip:bob@cpm.test";

static const char *const textv[] = {
	"Grüße aus Zürich, Алиса! 你好 — שלום 😀",
	"The train leaves at 18:05, platform 7.",
};

/* Who wrote, and which way it comes */
static const struct sender {
	const char *name;
	const char *peer;
	unsigned count;
	const char *mode;        /* on the bus                              */
} senderv[] = {
	{"Bob",   "sip:bob@cpm.test",   2,    "page"},
	{"Carol", "sip:carol@cpm.test", 1,    "large"},
	{"Dave",  "sip:dave@cpm.test",  CHAT, "session"},
	{"Erin",  "sip:erin@cpm.test",  1,    NULL},
};

enum { PUSHED = 2 + 1 + CHAT, ALL = PUSHED + 1 };


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


/* Wait until there are so many messages, and show what the bus has said. It
   may have begun before we listened. */
static void watch(struct ctrl *c, unsigned want)
{
	const struct odict *ev;

	(void)ctrl_until(c, "cpm_status", NULL, "messages", want, E2E_WAIT);
	while ((ev = ctrl_try_event(c, "message", 100)))
		show_event("message", ev);
	check(true, "cpm_status: %u messages", want);
}


static struct pf *start_pf(struct env *env)
{
	static const char *const argv[] = {
		"-D", "cpm.test", "-u", "alice:secret", "-w", "4",
		"-W", "auto", NULL,
	};
	struct pf *pf = pf_start(env, argv);

	printf("  pf listens on %s\n", pf->sip);

	return pf;
}


/* Octets that no decoder takes for text */
static const char *photo_make(struct env *env)
{
	const char *path = env_path(env, "photo.png");
	FILE *f = fopen(path, "wb");
	unsigned i;

	if (!f)
		e2e_fail("cannot write %s", path);
	for (i=0; i<PHOTO; i++)
		(void)fputc((int)(i * 31 % 251), f);
	if (fclose(f))
		e2e_fail("cannot write %s", path);

	return path;
}


static void leave(struct pf *pf, const char *photo)
{
	unsigned i;

	pf_cmd(pf, "leave from=%s to=%s name=Bob text=%s", bob, alice,
	       textv[0]);
	pf_cmd(pf, "leave from=%s to=%s name=Bob text=%s", bob, alice,
	       textv[1]);
	pf_cmd(pf, "leave from=%s to=%s name=Carol type=image/png "
	       "filename=photo.png file=%s", senderv[1].peer, alice, photo);
	for (i=1; i<=CHAT; i++)
		pf_cmd(pf, "leave from=%s to=%s name=Dave text=line %u.",
		       senderv[2].peer, alice, i);
	pf_cmd(pf, "leave from=%s to=%s name=Erin way=pull text=%s",
	       senderv[3].peer, alice, "When you have a moment: fetch this.");
	check(pf_int(pf_ask(pf, "pending to=%s", alice), "count") == ALL,
	      "the server keeps 2 short texts of Bob, a file of Carol, %u "
	      "texts of Dave,\n        and 1 of Erin that is to be fetched",
	      CHAT);
}


static struct baresip *start_alice(struct env *env, const struct pf *pf)
{
	struct baresip_args args = {.name = "alice"};

	args.accounts = baresip_account(env, "alice", "cpm.test", pf->sip,
					NULL);

	return baresip_start(env, &args);
}


/* Each by its way, as the server saw it go */
static void ways(struct pf *pf)
{
	unsigned i;

	for (i=0; i<2; i++) {
		const struct pf_event *ev = pf_event(pf, "page", E2E_WAIT);

		if (pf_int(ev, "code") != 200)
			e2e_fail("not so: MESSAGE answered with 200");
	}
	check(true, "Bob's came in page mode: 2 MESSAGEs");

	for (i=0; i<2; i++) {
		const struct pf_event *ev = pf_event(pf, "ended", E2E_WAIT);

		check(!pf_int(ev, "left"), "an MSRP session brought %lld: %s",
		      (long long)pf_int(ev, "delivered"), i ? "Dave's chat"
		      : "Carol's file, in large mode");
	}
}


static void same_file(const char *a, const char *b)
{
	size_t na = 0, nb = 0;
	char *ta = file_read(a, &na), *tb = file_read(b, &nb);

	check(ta && tb && na == PHOTO && na == nb && !memcmp(ta, tb, na),
	      "the file is Carol's, octet by octet");
	mem_deref(ta);
	mem_deref(tb);
}


static void read_one(struct ctrl *c, const struct sender *from,
		     int64_t conv, const char *photo)
{
	const struct odict *o = ctrl_ask(c, "cpm_messages", "%lld",
					 (long long)conv);
	unsigned i;

	check(j_count(o, "messages") == from->count, "%s: %u", from->name,
	      from->count);
	for (i=0; i<from->count; i++) {
		const struct odict *m = j_at(o, "messages", i);

		printf("        [%s] ", j_str(m, "mode"));
		if (from->mode && strcmp(from->mode, j_str(m, "mode")))
			e2e_fail("not so: mode is %s", from->mode);
		if (j_has(m, "text"))
			printf("\"%s\"\n", j_str(m, "text"));
		else
			printf("%s, %s, %lld octets\n", j_str(m, "filename"),
			       j_str(m, "type"), (long long)j_int(m, "size"));
		if (from == &senderv[0] && strcmp(j_str(m, "text"), textv[i]))
			e2e_fail("not so: it is what Bob wrote");
		if (j_has(m, "file"))
			same_file(j_str(m, "file"), photo);
	}
}


static void read_all(struct ctrl *c, const char *photo)
{
	const struct odict *o = ctrl_ask(c, "cpm_conversations", NULL);
	const unsigned n = j_count(o, "conversations");
	unsigned i, k;

	check(n == ARRAY_SIZE(senderv), "cpm_conversations: %u", n);
	for (k=0; k<n; k++) {
		for (i=0; i<n; i++) {
			const struct odict *cv = j_at(o, "conversations", i);

			if (!strcmp(senderv[k].peer, j_str(cv, "peer")))
				read_one(c, &senderv[k], j_int(cv, "id"),
					 photo);
		}
	}
}


/* What is announced is fetched when she wants it */
static void fetch(struct ctrl *c)
{
	const struct odict *o = ctrl_until(c, "cpm_status", NULL, "deferred",
					   1, E2E_WAIT);

	check(true, "cpm_status: 1 is announced");
	o = ctrl_ask(c, "cpm_deferred", NULL);
	check(j_count(o, "deferred") == 1, "cpm_deferred: from %s",
	      j_has(o, "deferred.0.from") ? j_str(o, "deferred.0.from")
	      : "somebody");
	(void)ctrl_ask(c, "cpm_pull", NULL);
	watch(c, ALL);
	(void)ctrl_until(c, "cpm_status", NULL, "deferred", 0, E2E_WAIT);
	(void)ctrl_until(c, "cpm_status", NULL, "sessions", 0, E2E_WAIT);
	check(true, "cpm_pull: it was fetched, nothing else waits");
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
	check(true, "%u messages %s, each told once", want, status);
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
	check(sum == ALL, "cpm_display: %u messages marked as read", ALL);
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

			if (j_has(m, "text") &&
			    sscanf(j_str(m, "text"), "number %u.", &num) == 1
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
	check(pf_int(ev, "imdn") == 2 * ALL + BURST,
	      "each of them was notified (%lld repeated: sent, and killed "
	      "before the answer was stored)", (long long)repeats);
}


int main(void)
{
	struct env *env;
	const char *photo;
	struct baresip *b;
	struct pf *pf;

	setvbuf(stdout, NULL, _IOLBF, 0);
	env = env_open();

	title("Alice is away. Four people write to her.");
	pf = start_pf(env);
	photo = photo_make(env);
	leave(pf, photo);

	title("Alice starts her softphone, the stock baresip with cpm.so.");
	b = start_alice(env, pf);
	watch(b->ctrl, PUSHED);
	ways(pf);

	title("One message is only announced. She fetches it.");
	fetch(b->ctrl);

	title("She reads.");
	notified(pf, "delivered", ALL);
	read_all(b->ctrl, photo);
	display_all(b->ctrl);
	notified(pf, "displayed", ALL);

	title("More comes, and her softphone is killed in the middle.");
	cut_off(pf, b);
	come_back(env, pf, b);

	check(baresip_quit(b) == 0, "baresip ends with status 0");
	check(pf_quit(pf) == 0, "pf ends with status 0");
	env_close(env);
	puts("\nEverything was checked and is as it should be.");

	return 0;
}
