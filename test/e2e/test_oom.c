/**
 * @file test_oom.c  Memory runs out for the module in the real softphone
 *
 * Each allocation that the module makes, or libre for it, fails in turn, one
 * in a round. After every round the softphone lives, and what the PF was told
 * is stored is stored, once; what it was not told it delivers again. In the
 * end all has arrived and every sender is notified. CPM_OOM=full takes each
 * allocation, else some of many. With sanitizers nothing may leak either.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "shim/oom.h"
#include "suite.h"
#include "scene.h"


enum {
	FEW     = 20,         /* rounds of a scenario, unless all         */
	OVER    = 8000,       /* ms for a delivery that somehow ends      */
	NOTIFY  = 300,        /* ms for its notification                  */
	FULL    = 1500,       /* s for all rounds of one scenario         */
	SOME    = 120,        /* s for some                               */
	SPARE   = 3,          /* allocations more than the first time: it
				 need not be the same each time           */
};

struct oom {
	struct scene s;
	struct oom_shared *sh;
	bool later;           /* armed by what the round is about         */
	unsigned at;          /* then: which one fails                    */
	unsigned messages;    /* left with the PF so far                  */
	unsigned refused;     /* rounds in which it kept its message      */
};

/* One way to deliver. Leaves the PF as it found it. */
struct way {
	const char *name;
	const char *leave;    /* what the message is                      */
	const char *set;      /* command to the PF before, or NULL        */
	bool ask;             /* the user accepts: only then it is armed  */
	bool update;          /* an UPDATE and a re-INVITE meanwhile      */
	bool close;           /* the user ends the session                */
	bool pull;            /* announced, and fetched by the user       */
};


static bool full(void)
{
	const char *how = getenv("CPM_OOM");

	return how && !strcmp(how, "full");
}


static struct oom_shared *share(struct env *env)
{
	const char *path = env_path(env, "oom");
	const struct oom_shared none = {.armed = 0};
	const int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
			    0600);
	void *p;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(sizeof(none), write(fd, &none, sizeof(none)));
	p = mmap(NULL, sizeof(none), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		 0);
	close(fd);
	ck_assert_ptr_ne(MAP_FAILED, p);
	ck_assert_int_eq(0, setenv(OOM_FILE, path, 1));

	return p;
}


/* The shim goes behind a sanitizer, which has to be the first */
static void preload(struct env *env)
{
	const char *shim = getenv("CPM_OOM_SHIM");
	const char *other = getenv("CPM_PRELOAD");

	ck_assert_msg(shim != NULL, "CPM_OOM_SHIM is not set");
	ck_assert_int_eq(0, setenv("CPM_PRELOAD", env_str(env, "%s%s%s",
				   other ? other : "", other ? " " : "",
				   shim), 1));
}


static void oom_open(struct oom *o)
{
	struct scene *s = &o->s;

	memset(o, 0, sizeof(*o));
	scene_open(s, NULL);
	env_limit(s->env, full() ? FULL : SOME);
	o->sh = share(s->env);
	preload(s->env);
	pf_cmd(s->pf, "auto off");
	scene_start(s);
	ck_assert_uint_eq(0, o->sh->counted);
}


static void arm(struct oom *o, unsigned at)
{
	o->sh->counted = o->sh->failed = 0;
	o->sh->at = at;
	o->sh->armed = 1;
}


/* @return whether one failed */
static bool disarm(struct oom *o)
{
	o->sh->armed = 0;

	return o->sh->failed > 0;
}


static unsigned next_at(const struct way *way, unsigned at, unsigned total)
{
	const unsigned few = way->ask ? 2 * FEW : FEW;

	return full() || total <= few ? at + 1 : at + total / few;
}


/*
 * Deliveries
 */

static bool is_over(struct scene *s)
{
	const struct pf_event *ev;

	if (pf_try_event(s->pf, "ended", NULL, NULL, 1) ||
	    pf_try_event(s->pf, "page", NULL, NULL, 1))
		return true;

	/* to the INVITE: others say what they are for */
	ev = pf_try_event(s->pf, "answer", NULL, NULL, 1);

	return ev && !pf_str(ev, "for") && pf_int(ev, "code") >= 300;
}


/* One that cannot be accepted for want of memory is refused: nothing is left
   hanging */
static void accept_it(struct oom *o)
{
	struct scene *s = &o->s;
	const struct odict *ev = ctrl_try_event(s->c, "session", 5);
	const char *prm;
	bool ok;

	if (!ev || strcmp(j_str(ev, "state"), "asking"))
		return;

	if (o->later)
		arm(o, o->at);
	o->later = false;
	prm = env_str(s->env, "%lld", (long long)j_int(ev, "session"));
	ok = ctrl_cmd(s->c, "cpm_accept", prm, NULL);
	(void)disarm(o);
	/* it may not even have been understood */
	if (!ok)
		(void)ctrl_cmd(s->c, "cpm_accept", prm, NULL);
}


/* What else a session sees before its end */
static void go_on(struct scene *s, const struct way *way)
{
	const struct odict *o = NULL;

	if (way->update) {
		pf_cmd(s->pf, "update to=%s", ALICE);
		(void)pf_try_event(s->pf, "answer", "for", "update", NOTIFY);
		pf_cmd(s->pf, "reinvite to=%s", ALICE);
		(void)pf_try_event(s->pf, "answer", "for", "reinvite",
				   NOTIFY);
	}
	/* without memory for the command the server has to do it */
	if (way->close && ctrl_cmd(s->c, "cpm_sessions", NULL, &o) && o &&
	    j_count(o, "sessions") &&
	    ctrl_cmd(s->c, "cpm_close", env_str(s->env, "%lld",
		     (long long)j_int(o, "sessions.0.session")), NULL))
		return;

	pf_cmd(s->pf, "bye to=%s", ALICE);
}


/* Whatever the softphone says to either: the second one is for all there is.
   Without memory for the command nothing is fetched */
static bool fetch(struct oom *o)
{
	struct scene *s = &o->s;
	const struct odict *st = NULL;
	struct wait w;

	pf_cmd(s->pf, "announce to=%s", ALICE);
	if (!pf_try_event(s->pf, "announced", NULL, NULL, OVER))
		return false;
	if (!ctrl_cmd(s->c, "cpm_pull", NULL, NULL))
		return true;

	wait_start(&w, OVER, "the pull");
	while (wait_quiet(&w)) {
		if (ctrl_cmd(s->c, "cpm_status", NULL, &st) && st &&
		    !j_int(st, "sessions"))
			return true;
	}

	return false;
}


/* @return false if it did not come to an end by itself */
static bool deliver(struct oom *o, const struct way *way)
{
	struct scene *s = &o->s;
	struct wait w;

	if (way->pull)
		return fetch(o);

	pf_cmd(s->pf, "deliver to=%s", ALICE);
	wait_start(&w, OVER, "the delivery");
	while (wait_quiet(&w)) {
		if (is_over(s))
			return true;
		if (way->ask)
			accept_it(o);
		if ((way->update || way->close) &&
		    pf_try_event(s->pf, "delivered", "code", "200", 1))
			go_on(s, way);
	}

	return false;
}


static unsigned pending(struct oom *o)
{
	return (unsigned)pf_int(pf_ask(o->s.pf, "pending to=%s", ALICE),
				"count");
}


/* Nothing that was acknowledged is missing, nothing is there twice */
static void check_kept(struct oom *o, const struct way *way, unsigned at)
{
	const int64_t there = scene_count(&o->s, "messages");
	const int64_t told = (int64_t)o->messages - pending(o);

	ck_assert_msg(there >= told && there <= o->messages,
		      "%s %u: %lld messages, %lld were acknowledged",
		      way->name, at, (long long)there, (long long)told);
}


/* @return allocations; 0 if none was made to fail */
static unsigned round_do(struct oom *o, const struct way *way, unsigned at)
{
	struct scene *s = &o->s;
	const uint64_t t = e2e_now();
	unsigned counted;
	bool failed, ends;

	++o->messages;
	scene_leave(s, "from=%s id=%u %s", o->messages & 1 ? BOB : CAROL,
		    o->messages, way->leave);
	proc_skip(s->pf->proc);
	ctrl_skip(s->c);
	o->at = at;
	o->later = way->ask;
	arm(o, way->ask ? 0 : at);
	if (way->ask)
		(void)disarm(o);
	ends = deliver(o, way);
	if (!pending(o))
		(void)pf_try_event(s->pf, "imdn", NULL, NULL, NOTIFY);
	failed = disarm(o);
	counted = o->sh->counted;
	if (getenv(OOM_TRACE))
		printf("%s %u: %u ms%s%s\n", way->name, at,
		       (unsigned)(e2e_now() - t), failed ? "" : " nothing",
		       ends ? "" : " hangs");
	ck_assert_msg(ends, "%s %u: hangs", way->name, at);

	check_kept(o, way, at);
	if (pending(o)) {
		++o->refused;
		ck_assert_msg(failed, "%s %u: refused", way->name, at);
		ck_assert(deliver(o, way));
		ck_assert_msg(!pending(o), "%s %u: still refused", way->name,
			      at);
	}
	(void)ctrl_until(s->c, "cpm_status", NULL, "messages", o->messages,
			 E2E_WAIT);

	return at && !failed ? 0 : counted;
}


static void delivery_each(struct oom *o, const struct way *way)
{
	struct scene *s = &o->s;
	unsigned at, total, n = 0;

	if (way->set)
		pf_cmd(s->pf, "%s", way->set);
	(void)ctrl_ask(s->c, "cpm_policy", "{\"deferred\":\"%s\"}",
		       way->ask ? "ask" : "accept");

	/* the first one has a new conversation, the second one not */
	(void)round_do(o, way, 0);
	(void)round_do(o, way, 0);
	total = round_do(o, way, 0);
	ck_assert_uint_gt(total, 0);
	for (at=1; at <= total + SPARE; at = next_at(way, at, total))
		n += round_do(o, way, at) > 0;
	ck_assert_uint_gt(n, 0);
	ck_assert_uint_gt(o->refused, 0);
	printf("oom: %-12s %4u of %u allocations failed, %u times refused\n",
	       way->name, n, total, o->refused);
}


/* In the end everybody is notified, and all is there once */
static void oom_close(struct oom *o)
{
	struct scene *s = &o->s;

	/* whatever waits for something to happen */
	++o->messages;
	(void)ctrl_ask(s->c, "cpm_policy", "{\"deferred\":\"accept\"}");
	pf_cmd(s->pf, "fault none");
	pf_cmd(s->pf, "way how=session");
	pf_cmd(s->pf, "auto on");
	scene_leave(s, "from=%s id=%u ask=positive-delivery text=last", BOB,
		    o->messages);
	scene_delivered(s, o->messages);
	(void)scene_notified(s, o->messages);
	ck_assert_int_eq(0, scene_count(s, "imdn_failed"));
	scene_close(s);
}


/*
 * Commands
 */

enum {
	READ_MAX = 60,        /* rounds of a command, unless all          */
	STOCK    = 250,       /* messages of each sender                  */
};

struct command {
	const char *name;
	const char *prm;      /* %u: a message nothing was done with yet  */
	const char *check;    /* a field of that message afterwards...    */
	const char *value;    /* ...if the command said ok; NULL: gone    */
	bool carol;           /* one of hers: notified by hand            */
	bool sends;           /* ok: one more message is kept; else none  */
};

static const struct command commandv[] = {
	{.name = "cpm_status"},
	{.name = "cpm_conversations"},
	{.name = "cpm_conversations", .prm = "{\"account\":\"" ALICE
	 "\",\"limit\":1}"},
	{.name = "cpm_messages"},
	{.name = "cpm_messages", .prm = "{\"peer\":\"" BOB "\",\"unread\":true,"
	 "\"after\":3,\"limit\":4}"},
	{.name = "cpm_message", .prm = "1"},
	{.name = "cpm_message", .prm = "{\"id\":1,\"offset\":2,\"length\":3}"},
	{.name = "cpm_sessions"},
	{.name = "cpm_policy", .prm = "{\"from\":\"" CAROL "\"}"},
	{.name = "cpm_policy", .prm = "{\"account\":\"" ALICE "\",\"from\":\""
	 BOB "\",\"deferred\":\"ask\",\"display_imdn\":false}"},
	{.name = "cpm_display", .prm = "%u", .check = "read", .value = "true"},
	{.name = "cpm_display", .prm = "{\"ids\":[%u]}", .check = "read",
	 .value = "true"},
	{.name = "cpm_imdn", .prm = "{\"id\":%u,\"status\":\"delivered\"}",
	 .check = "delivery", .value = "due", .carol = true},
	{.name = "cpm_draft", .prm = "{\"draft\":\"a\",\"append\":\"\"}"},
	{.name = "cpm_draft", .prm = "{\"draft\":\"a\",\"clear\":true}"},
	{.name = "cpm_send", .prm = BOB " Hello", .sends = true},
	{.name = "cpm_send", .prm = "{\"reply_to\":1,\"file\":\""
	 "/etc/hostname\"}", .sends = true},
	{.name = "cpm_delete", .prm = "%u"},
};


static void stock(struct oom *o)
{
	struct scene *s = &o->s;
	unsigned i;

	(void)ctrl_ask(s->c, "cpm_policy", "{\"from\":\"%s\","
		       "\"delivery_imdn\":false}", CAROL);
	for (i=0; i<2 * STOCK; i++)
		scene_leave(s, "from=%s id=%u ask=positive-delivery "
			    "text=Hello", i < STOCK ? BOB : CAROL, i + 1);
	pf_cmd(s->pf, "deliver to=%s", ALICE);
	scene_delivered(s, 2 * STOCK);
	o->messages = 2 * STOCK;
	(void)scene_notified(s, STOCK);
}


static void check_error(const struct command *cmd, unsigned at,
			const char *data, const char *want)
{
	struct odict *o;

	/* there may have been no memory for saying so, or the softphone had
	   none for the answer in the midst of it */
	if (!strncmp(data, want, strlen(data)))
		return;

	o = j_decode(data, strlen(data));
	ck_assert_msg(o != NULL, "%s %u: %s", cmd->name, at, data);
	ck_assert_msg(!strcmp("ENOMEM", j_str(o, "error.code")) ||
		      !strcmp("EIO", j_str(o, "error.code")), "%s %u: %s",
		      cmd->name, at, data);
	mem_deref(o);
}


/* It said that it has done it; or it did not, and does it now */
static void check_done(struct oom *o, const struct command *cmd, bool ok,
		       const char *prm, unsigned id)
{
	struct scene *s = &o->s;
	const struct odict *m = NULL;
	struct wait w;
	bool done = false;

	if (!ok)
		(void)ctrl_cmd(s->c, cmd->name, prm, NULL);

	wait_start(&w, E2E_WAIT, cmd->name);
	while (!done && wait_more(&w)) {
		const bool there = ctrl_cmd(s->c, "cpm_message",
					    env_str(s->env, "%u", id), &m);

		if (!cmd->check)
			done = !there;
		else if (!strcmp(cmd->value, "true"))
			done = j_bool(m, cmd->check);
		else
			done = strcmp(j_str(m, cmd->check), "none") != 0;
	}
}


/* @return allocations; 0 if none was made to fail */
static unsigned command_do(struct oom *o, const struct command *cmd,
			   unsigned at, unsigned id, const char **wantp)
{
	const bool fresh = cmd->prm && strstr(cmd->prm, "%u");
	struct scene *s = &o->s;
	char prm[256] = "";
	int64_t had = 0;
	bool ok, failed;

	if (fresh)
		re_snprintf(prm, sizeof(prm), cmd->prm, id);
	else if (cmd->prm)
		snprintf(prm, sizeof(prm), "%s", cmd->prm);

	if (cmd->sends)
		had = scene_count(s, "messages");
	arm(o, at);
	ok = ctrl_cmd(s->c, cmd->name, prm, NULL);
	failed = disarm(o);
	ck_assert_msg(ok || failed, "%s: %s", cmd->name, ctrl_data(s->c));
	if (!ok)
		check_error(cmd, at, ctrl_data(s->c), *wantp);
	else if (!at || cmd->sends)
		*wantp = env_str(s->env, "%s", ctrl_data(s->c));
	else if (!fresh)
		ck_assert_str_eq(*wantp, ctrl_data(s->c));
	if (fresh)
		check_done(o, cmd, ok, prm, id);
	if (cmd->sends)
		ck_assert_int_eq(had + ok, scene_count(s, "messages"));

	return at && !failed ? 0 : o->sh->counted;
}


static void command_each(struct oom *o, const struct command *cmd,
			 unsigned idv[2])
{
	/* only what changes a message uses it up */
	const bool fresh = cmd->prm && strstr(cmd->prm, "%u");
	const char *want = NULL;
	unsigned at, total, n = 0;
	unsigned *id = &idv[cmd->carol];

	total = command_do(o, cmd, 0, *id, &want);
	*id += fresh;
	ck_assert_uint_gt(total, 0);
	for (at=1; at <= total + SPARE; at += full() || total < READ_MAX
		     ? 1 : 1 + total / READ_MAX) {
		/* in the order of their ids */
		ck_assert_uint_le(*id, cmd->carol ? 2 * STOCK : STOCK);
		n += command_do(o, cmd, at, *id, &want) > 0;
		*id += fresh;
	}
	ck_assert_uint_gt(n, 0);
	printf("oom: %-17s %4u of %u allocations failed\n", cmd->name, n,
	       total);
}


START_TEST(commands)
{
	unsigned idv[2] = {2, STOCK + 2};
	struct oom o;
	size_t i;

	oom_open(&o);
	stock(&o);
	for (i=0; i<ARRAY_SIZE(commandv); i++)
		command_each(&o, &commandv[i], idv);
	(void)ctrl_until(o.s.c, "cpm_status", NULL, "imdn_pending", 0,
			 E2E_WAIT);
	ck_assert_int_eq(0, scene_count(&o.s, "imdn_failed"));
	scene_close(&o.s);
}
END_TEST


/* Whatever there is no memory for, it is not sent in the end */
START_TEST(cancel)
{
	bool failed = true;
	struct oom o;
	unsigned at;

	oom_open(&o);
	ck_assert_int_eq(0, pf_quit(o.s.pf));
	for (at=1; failed; at++) {
		const char *prm = env_str(o.s.env, "%lld", (long long)j_int(
			ctrl_ask(o.s.c, "cpm_send", "%s Hello", BOB), "id"));
		bool ok;

		arm(&o, at);
		ok = ctrl_cmd(o.s.c, "cpm_cancel", prm, NULL);
		failed = disarm(&o);
		ck_assert_msg(ok || failed, "%s", ctrl_data(o.s.c));
		if (!ok)
			(void)ctrl_cmd(o.s.c, "cpm_cancel", prm, NULL);
		(void)ctrl_until(o.s.c, "cpm_status", NULL, "queued", 0,
				 E2E_WAIT);
	}
	ck_assert_uint_gt(at, 5);
	printf("oom: cpm_cancel        %4u allocations failed\n", at - 2);
	scene_pf_restart(&o.s, "secret");
	scene_close(&o.s);
}
END_TEST


static const struct way wayv[] = {
	{.name = "text", .leave = "ask=positive-delivery text=Hello"},
	{.name = "large", .leave = "ask=positive-delivery size=70000"},
	{.name = "ask", .leave = "ask=positive-delivery text=Hello",
	 .ask = true},
	{.name = "passive", .leave = "ask=positive-delivery text=Hello",
	 .set = "set setup=active"},
	{.name = "update", .leave = "ask=positive-delivery text=Hello",
	 .set = "fault nobye", .update = true},
	{.name = "close", .leave = "ask=positive-delivery text=Hello",
	 .set = "fault nobye", .close = true},
	{.name = "pull", .leave = "ask=positive-delivery text=Hello",
	 .set = "way how=pull", .pull = true},
	{.name = "page", .leave = "ask=positive-delivery text=Hello",
	 .set = "way to=" ALICE " how=page"},
	{.name = "inline", .leave = "way=inline filename=a.txt "
	 "ask=positive-delivery text=Hello"},
};


START_TEST(delivery)
{
	struct oom o;

	oom_open(&o);
	delivery_each(&o, &wayv[_i]);
	oom_close(&o);
}
END_TEST


/*
 * Start: with the module or without it, the softphone comes up
 */

/* @return allocations; 0 if none was made to fail */
static unsigned start_do(struct oom *o, unsigned at, unsigned *without)
{
	struct scene *s = &o->s;
	bool there, failed;

	ck_assert_int_eq(0, baresip_quit(s->b));
	arm(o, at);
	baresip_restart(s->b);
	s->c = s->b->ctrl;
	failed = disarm(o);
	there = ctrl_cmd(s->c, "cpm_status", NULL, NULL);
	*without += !there;
	ck_assert_msg(there || failed, "start: without the module");
	/* whoever looks into the log sees why */
	ck_assert_msg(there || file_has(s->b->proc->log, "cpm: ") ||
		      file_has(s->b->proc->log, "cpm.so"), "start %u", at);

	return at && !failed ? 0 : o->sh->counted;
}


START_TEST(start)
{
	unsigned at, total, without = 0, n = 0;
	struct oom o;

	oom_open(&o);
	total = start_do(&o, 0, &without);
	ck_assert_uint_gt(total, 0);
	ck_assert_uint_eq(0, without);
	for (at=1; at <= total; at += full() ? 1 : 1 + total / FEW)
		n += start_do(&o, at, &without) > 0;
	ck_assert_uint_gt(without, 0);
	printf("oom: %-12s %4u of %u allocations failed, %u without the "
	       "module\n", "start", n, total, without);

	/* nothing is the matter with what is there */
	ck_assert_int_eq(0, baresip_quit(o.s.b));
	scene_restart(&o.s);
	oom_close(&o);
}
END_TEST


Suite *oom_suite(void)
{
	Suite *suite = suite_create("oom");
	TCase *tc = suite_case(suite, "delivery", full() ? FULL : SOME);

	tcase_add_loop_test(tc, delivery, 0, ARRAY_SIZE(wayv));

	tc = suite_case(suite, "commands", full() ? FULL : SOME);
	tcase_add_test(tc, commands);
	tcase_add_test(tc, cancel);

	tc = suite_case(suite, "start", full() ? FULL : SOME);
	tcase_add_test(tc, start);

	return suite;
}
