/**
 * @file test_backlog.c  A day's backlog: many messages of many senders, each
 *                       sender's by another way, when Alice comes back
 *
 * CPM_LONG: 5,000 messages of 50 senders.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "suite.h"
#include "scene.h"


enum {
	SENDERS_SHORT = 12,
	SENDERS_LONG  = 50,
	EACH_SHORT    = 42,
	EACH_LONG     = 100,
	EVENTS        = 20,   /* a second, at most: bus.md                  */
	GROWTH        = 8192, /* KiB, and each message's SIP transactions:  */
	TRANSACTIONS  = 8,    /* libre keeps them for 5 to 32 s             */
	KEPT          = 300000, /* KiB that ASan keeps of what was freed    */
	LONG_SIZE     = 3000, /* octets that are too many for a MESSAGE     */
	LIMIT_SHORT   = 120,  /* s                                          */
	LIMIT_LONG    = 500,
};

static const char *const wayv[] = {
	"page", "large", "session", "inline", "all", "pull",
};

struct backlog {
	struct scene s;
	bool full;
	unsigned senders;
	unsigned each;
	unsigned events;
	uint64_t ms;          /* until the last was there                   */
	long before, peak;    /* resident memory, KiB                       */
};


static long memory(const struct scene *s, const char *key)
{
	char *text = file_read(env_str(s->env, "/proc/%d/status",
				       s->b->proc->pid), NULL);
	const char *p = text ? strstr(text, key) : NULL;
	long val;

	ck_assert_ptr_nonnull(p);
	val = strtol(p + strlen(key), NULL, 10);
	mem_deref(text);

	return val;
}


/* What a program has used of a processor, ms */
static unsigned long cpu(const struct scene *s, const struct proc *p)
{
	char *text = file_read(env_str(s->env, "/proc/%d/stat", p->pid), NULL);
	unsigned long user, sys;

	ck_assert_ptr_nonnull(text);
	ck_assert_int_eq(2, sscanf(strrchr(text, ')'), ") %*c %*d %*d %*d "
				   "%*d %*d %*u %*u %*u %*u %*u %lu %lu",
				   &user, &sys));
	mem_deref(text);

	return (user + sys) * 1000 / (unsigned long)sysconf(_SC_CLK_TCK);
}


static void fill(struct backlog *bl)
{
	unsigned i;

	pf_cmd(bl->s.pf, "auto off");
	for (i=0; i<bl->senders; i++) {
		const char *way = wayv[i % ARRAY_SIZE(wayv)];

		pf_cmd(bl->s.pf, "leave from=sip:s%u@" DOMAIN " to=" ALICE
		       " conv=c%u id=s%u. way=%s count=%u %s", i, i, i, way,
		       bl->each, strcmp(way, "large") ? "text=number"
		       : env_str(bl->s.env, "size=%d", LONG_SIZE));
		(void)pf_event(bl->s.pf, "kept", E2E_WAIT);
	}
}


/* The bus says it all, in few words */
static void announced(struct backlog *bl)
{
	const unsigned want = bl->senders * bl->each;
	const uint64_t begin = e2e_now();
	int64_t sum = 0;

	while (sum < want) {
		const struct odict *ev = ctrl_event(bl->s.c, "message",
						    6 * E2E_WAIT);

		sum += j_int(ev, "count");
		bl->events++;
	}
	ck_assert_int_eq(want, sum);
	bl->ms = e2e_now() - begin;
	ck_assert_uint_le(bl->events, EVENTS * (bl->ms / 1000 + 2));
}


/* Each once, in the order in which it was left */
static void complete(struct backlog *bl, const struct odict *cv)
{
	const int64_t conv = j_int(cv, "id");
	const struct odict *o;
	unsigned i, n = 0, who;

	ck_assert_int_eq(1, sscanf(j_str(cv, "peer"), "sip:s%u@", &who));
	ck_assert_uint_eq(bl->each, (unsigned)j_int(cv, "messages"));
	o = ctrl_ask(bl->s.c, "cpm_messages",
		     "{\"conversation\":%lld,\"after\":0,\"limit\":100}",
		     (long long)conv);
	ck_assert_uint_eq(bl->each, j_count(o, "messages"));
	for (i=0; i<bl->each; i++) {
		const struct odict *m = j_at(o, "messages", i);

		ck_assert_str_eq(env_str(bl->s.env, "s%u.%u", who, i + 1),
				 j_str(m, "imdn_id"));
		n += !strcmp("page", j_str(m, "mode"));
	}
	ck_assert_uint_eq(strcmp("page", wayv[who % ARRAY_SIZE(wayv)])
			  ? 0 : bl->each, n);
}


static void check(struct backlog *bl)
{
	const struct odict *o;
	unsigned i;

	o = ctrl_ask(bl->s.c, "cpm_conversations", "{\"limit\":80}");
	ck_assert_uint_eq(bl->senders, j_count(o, "conversations"));
	for (i=0; i<bl->senders; i++)
		complete(bl, j_at(o, "conversations", i));
}


START_TEST(backlog)
{
	struct backlog bl = {.full = getenv("CPM_LONG") != NULL};
	uint64_t begin;

	bl.senders = bl.full ? SENDERS_LONG : SENDERS_SHORT;
	bl.each = bl.full ? EACH_LONG : EACH_SHORT;
	scene_open(&bl.s, &(struct scene_args){
		.config = "cpm_auto_pull yes\n", .optv = {"-w", "16"}});
	env_limit(bl.s.env, bl.full ? LIMIT_LONG : LIMIT_SHORT);
	fill(&bl);
	scene_start(&bl.s);
	bl.before = memory(&bl.s, "VmRSS:");

	begin = e2e_now();
	pf_cmd(bl.s.pf, "auto on");
	pf_cmd(bl.s.pf, "deliver to=" ALICE);
	announced(&bl);
	scene_delivered(&bl.s, bl.senders * bl.each);
	ck_assert_int_eq(0, scene_notified(&bl.s, bl.senders * bl.each));
	bl.peak = memory(&bl.s, "VmHWM:");
	if (getenv("CPM_FIGURES") || bl.full)
		printf("backlog: %u messages of %u senders in %llu ms, all "
		       "notified after %llu ms; processor: %lu ms, the PF "
		       "%lu ms; %u events; resident memory %ld KiB, %+ld at "
		       "most\n", bl.senders * bl.each,
		       bl.senders, (unsigned long long)bl.ms,
		       (unsigned long long)(e2e_now() - begin),
		       cpu(&bl.s, bl.s.b->proc), cpu(&bl.s, bl.s.pf->proc),
		       bl.events, bl.before, bl.peak - bl.before);
	ck_assert_int_lt(bl.peak - bl.before, GROWTH + TRANSACTIONS *
			 (int)(bl.senders * bl.each) +
			 (bl.s.env->scale > 1 ? KEPT : 0));
	check(&bl);
	scene_close(&bl.s);
}
END_TEST


Suite *backlog_suite(void)
{
	Suite *suite = suite_create("backlog");
	TCase *tc = suite_case(suite, "backlog", getenv("CPM_LONG")
			       ? LIMIT_LONG : LIMIT_SHORT);

	tcase_add_test(tc, backlog);

	return suite;
}
