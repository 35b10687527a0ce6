/**
 * @file test_large.c  Messages larger than memory should hold: streamed to
 *                     the disk, whole, and gone where they are not to be
 *
 * RFC 4975, 5.1; RFC 2045, 6.8. CPM_LARGE_MB=1000 makes the largest one a
 * gigabyte, and the test says what it saw.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include "suite.h"
#include "scene.h"


enum {
	MB      = 1000000,
	SIZE    = 20000000,
	FLAT_MB = 200,        /* unless CPM_LARGE_MB says so              */
	GROWTH  = 4096,       /* KiB that memory may grow by              */
	KEPT    = 300000,     /* KiB that ASan keeps of what was freed    */
	PIECE   = 1048576,
	MESSAGES = 9,         /* at most, of one scene                    */
	TOLD    = 2000,       /* ms for an event that need not come       */
};

#define OCTETS "type=application/octet-stream"


static void start(struct scene *s, const char *config,
		  const char *const *optv)
{
	struct scene_args args = {.config = config};
	size_t i;

	for (i=0; i<ARRAY_SIZE(args.optv) && optv[i]; i++)
		args.optv[i] = optv[i];
	scene_open(s, &args);
	scene_start(s);
	pf_cmd(s->pf, "auto off");
}


static void deliver(struct scene *s, int64_t messages)
{
	const struct pf_event *ev;

	pf_cmd(s->pf, "deliver to=%s", ALICE);
	ev = pf_event(s->pf, "ended", 6 * E2E_WAIT);
	ck_assert_str_eq("complete", pf_str(ev, "reason"));
	ck_assert_int_eq(0, pf_int(ev, "left"));
	scene_delivered(s, messages);
}


/* Files of the spool: those that are bodies, and those that are not yet */
static unsigned spooled(const char *dir, bool whole)
{
	struct dirent *de;
	DIR *d = opendir(dir);
	unsigned n = 0;

	ck_assert_ptr_nonnull(d);
	while ((de = readdir(d)) != NULL) {
		if (de->d_name[0] != '.')
			n += whole == (strncmp(de->d_name, "tmp-", 4) != 0);
	}
	closedir(d);

	return n;
}


/* What was begun goes at once, but not on the main loop's time */
static void nothing_begun(const char *dir)
{
	struct wait w;

	wait_start(&w, E2E_WAIT, "what is half there to go");
	while (wait_more(&w)) {
		if (!spooled(dir, false))
			return;
	}
}


/* The stored body is the text that the PF makes: each octet of it */
static void file_whole(const struct odict *m, size_t size)
{
	const char *path = j_str(m, "file");
	char *got = mem_alloc(PIECE, NULL), *want = mem_alloc(PIECE, NULL);
	struct stat st;
	size_t off, n;
	FILE *f;

	ck_assert_int_eq((int64_t)size, j_int(m, "size"));
	ck_assert_int_eq(0, stat(path, &st));
	ck_assert_uint_eq(S_IFREG | 0600, st.st_mode);
	ck_assert_uint_eq(size, (size_t)st.st_size);

	f = fopen(path, "rb");
	ck_assert_ptr_nonnull(f);
	for (off=0; off<size; off+=n) {
		n = min(size - off, (size_t)PIECE);
		ck_assert_uint_eq(n, fread(got, 1, n, f));
		scene_text_fill(want, off, n, size);
		if (memcmp(got, want, n))
			e2e_fail("not the same from octet %zu on", off);
	}
	fclose(f);
	mem_deref(got);
	mem_deref(want);
}


/* One number of /proc/PID/status, KiB */
static long memory(struct scene *s, const char *key)
{
	char path[64], line[256];
	long val = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", s->b->proc->pid);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	while (val < 0 && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, key, strlen(key)))
			val = strtol(line + strlen(key) + 1, NULL, 10);
	}
	fclose(f);
	ck_assert_int_ge(val, 0);

	return val;
}


/* What a program has used of a processor, ms: says more than the time of a
   machine that others use as well */
static unsigned long cpu_time(const struct proc *p)
{
	char path[64], *text;
	unsigned long user = 0, sys = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", p->pid);
	text = file_read(path, NULL);
	ck_assert_ptr_nonnull(text);
	ck_assert_int_eq(2, sscanf(strrchr(text, ')'), ") %*c %*d %*d %*d "
				   "%*d %*d %*u %*u %*u %*u %*u %lu %lu",
				   &user, &sys));
	mem_deref(text);

	return (user + sys) * 1000 / (unsigned long)sysconf(_SC_CLK_TCK);
}


/* From here on VmHWM is the peak of what comes */
static long memory_mark(struct scene *s)
{
	file_write(env_str(s->env, "/proc/%d/clear_refs", s->b->proc->pid),
		   "5");

	return memory(s, "VmRSS");
}


/* One message as large as any: resident memory does not see it */
START_TEST(flat)
{
	static const char *const optv[] = {"-k", "1000000", NULL};
	const char *env = getenv("CPM_LARGE_MB");
	const size_t mb = env && *env ? strtoul(env, NULL, 10) : FLAT_MB;
	struct scene s;
	uint64_t begin, ms;
	unsigned long cpu[2];
	long before, peak;

	start(&s, "cpm_max_size 2000000000\n", optv);
	env_limit(s.env, 120);
	scene_leave(&s, "from=%s text=small", BOB);
	deliver(&s, 1);
	scene_leave(&s, "from=%s " OCTETS " size=%zu", BOB, mb * MB);

	before = memory_mark(&s);
	cpu[0] = cpu_time(s.b->proc);
	cpu[1] = cpu_time(s.pf->proc);
	begin = e2e_now();
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	ck_assert_int_eq(0, pf_int(pf_event(s.pf, "ended", 12 * E2E_WAIT),
				   "left"));
	ms = e2e_now() - begin;
	peak = memory(&s, "VmHWM");
	if (env)
		printf("large: %zu MB in %llu ms, %llu MB/s; processor: "
		       "%lu ms, the PF %lu ms; resident memory %ld KiB, "
		       "%+ld at most\n", mb, (unsigned long long)ms,
		       (unsigned long long)(mb * 1000 / (ms ? ms : 1)),
		       cpu_time(s.b->proc) - cpu[0],
		       cpu_time(s.pf->proc) - cpu[1], before,
		       peak - before);
	ck_assert_int_lt(peak - before, GROWTH + (s.env->scale > 1 ? KEPT : 0));

	scene_delivered(&s, 2);
	file_whole(ctrl_ask(s.c, "cpm_message", "2"), mb * MB);
	scene_close(&s);
}
END_TEST


static const char *const shapev[][8] = {
	{"-k", "2048"},
	{"-k", "65536", "-w", "3"},
	{"-k", "1000003"},
	{"-k", "3000", "-f", "shuffle"},
	{"-k", "100000", "-f", "shuffle"},
	{"-k", "4000", "-f", "reverse"},
	{"-k", "65536", "-f", "reverse"},
	{"-k", "15000000", "-f", "reverse"},
	{"-f", "norange"},
	{"-k", "50000", "-f", "interleave", "-f", "shuffle", "-w", "4"},
	{"-k", "70000", "-f", "interleave", "-f", "reverse", "-w", "4"},
};


/* Two large ones and small ones around them, in every shape */
START_TEST(shape)
{
	static const size_t sizev[] = {100, SIZE, 3000, SIZE / 3, 90000,
		81000, 65536, 1};
	bool seenv[ARRAY_SIZE(sizev)] = {false};
	struct scene s;
	size_t i, j;

	start(&s, NULL, shapev[_i]);
	for (i=0; i<ARRAY_SIZE(sizev); i++)
		scene_leave(&s, "from=%s " OCTETS " size=%zu", BOB,
			    sizev[i]);
	deliver(&s, (int64_t)ARRAY_SIZE(sizev));

	for (i=0; i<ARRAY_SIZE(sizev); i++) {
		const struct odict *m = ctrl_ask(s.c, "cpm_message", "%zu",
						 i + 1);

		for (j=0; sizev[j] != (size_t)j_int(m, "size"); j++)
			ck_assert_uint_lt(j + 1, ARRAY_SIZE(sizev));
		ck_assert(!seenv[j]);
		seenv[j] = true;
		file_whole(m, sizev[j]);
	}
	ck_assert_uint_eq(0, spooled(scene_file(&s, "spool"), false));
	ck_assert_uint_eq(ARRAY_SIZE(sizev),
			  spooled(scene_file(&s, "spool"), true));
	ck_assert_int_eq((int64_t)ARRAY_SIZE(sizev),
			 scene_notified(&s, (int64_t)ARRAY_SIZE(sizev)) +
			 (int64_t)ARRAY_SIZE(sizev));
	scene_close(&s);
}
END_TEST


/* The beginning of a text is in the list, wherever the rest is */
START_TEST(text)
{
	static const char *const optvv[][8] = {
		{"-k", "10000"}, {"-k", "10000", "-f", "reverse"},
	};
	const struct odict *m;
	const char *part;
	struct scene s;

	start(&s, NULL, optvv[_i]);
	scene_leave(&s, "from=%s size=%u", BOB, 3 * MB);
	deliver(&s, 1);
	m = j_at(ctrl_ask(s.c, "cpm_messages", NULL), "messages", 0);
	part = j_str(m, "text");
	ck_assert(j_bool(m, "cut"));
	ck_assert_uint_gt(strlen(part), 2000);
	ck_assert_str_eq(scene_text(s.env, 0, strlen(part), 3 * MB), part);
	m = ctrl_ask(s.c, "cpm_message",
		     "{\"id\":1,\"offset\":2999970,\"length\":1000}");
	ck_assert_str_eq(scene_text(s.env, 2999970, 30, 3 * MB),
			 j_str(m, "text"));
	scene_close(&s);
}
END_TEST


/* The text that the PF makes, as base64 in lines, or with its last octets
   wrong */
static void base64_write(const char *path, size_t size, const char *end)
{
	uint8_t line[57];
	char b64[80];
	size_t off, n;
	FILE *f = fopen(path, "wb");

	ck_assert_ptr_nonnull(f);
	for (off=0; off<size; off+=sizeof(line)) {
		const size_t len = min(size - off, sizeof(line));

		scene_text_fill((char *)line, off, len, size);
		n = sizeof(b64);
		ck_assert_int_eq(0, base64_encode(line, len, b64, &n));
		ck_assert_uint_eq(n, fwrite(b64, 1, n, f));
		fputs("\r\n", f);
	}
	fputs(end, f);
	fclose(f);
}


#define BASE64 OCTETS "%%0D%%0AContent-Transfer-Encoding:%%20base64"

/* Decoded when all is there, whatever came first; and refused for good when
   it cannot be */
START_TEST(base64)
{
	static const char *const optvv[][8] = {
		{"-k", "65536"}, {"-k", "65536", "-f", "reverse"},
		{"-k", "3000", "-f", "shuffle"},
	};
	const struct pf_event *ev;
	struct scene s;

	start(&s, NULL, optvv[_i]);
	base64_write(env_path(s.env, "good"), SIZE, "");
	base64_write(env_path(s.env, "bad"), SIZE / 10, "?");
	scene_leave(&s, "from=%s " BASE64 " file=%s", BOB,
		    env_path(s.env, "good"));
	scene_leave(&s, "from=%s id=bad " BASE64 " file=%s", BOB,
		    env_path(s.env, "bad"));
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	ev = pf_event_kv(s.pf, "delivered", "id", "bad", 3 * E2E_WAIT);
	ck_assert_int_eq(400, pf_int(ev, "code"));
	(void)pf_event(s.pf, "ended", E2E_WAIT);
	ck_assert_int_eq(1, scene_count(&s, "messages"));
	file_whole(ctrl_ask(s.c, "cpm_message", "1"), SIZE);
	nothing_begun(scene_file(&s, "spool"));
	ck_assert_uint_eq(1, spooled(scene_file(&s, "spool"), true));
	ck_assert(!ctrl_try_event(s.c, "error", 1));
	scene_close(&s);
}
END_TEST


/* Given up by the sender, with # and without: nothing stays */
START_TEST(given_up)
{
	static const char *const optv[] = {"-k", "65536", NULL};
	struct scene s;
	char *spool;

	start(&s, NULL, optv);
	spool = scene_file(&s, "spool");
	scene_leave(&s, "from=%s size=%u", BOB, SIZE);
	pf_cmd(s.pf, "fault drop=5000000");
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	ck_assert_int_eq(1, pf_int(pf_event(s.pf, "ended", E2E_WAIT),
				   "left"));
	nothing_begun(spool);
	ck_assert_uint_eq(0, spooled(spool, true));

	pf_cmd(s.pf, "fault none");
	pf_cmd(s.pf, "fault abort");
	scene_leave(&s, "from=%s size=%u", CAROL, SIZE);
	scene_leave(&s, "from=%s size=%u", CAROL, SIZE);
	deliver(&s, 3);
	(void)pf_event(s.pf, "aborted", E2E_SHORT);
	nothing_begun(spool);
	ck_assert_uint_eq(3, spooled(spool, true));
	scene_close(&s);
}
END_TEST


/* SIGKILL while it arrives: swept at the next start, and it comes again */
START_TEST(killed)
{
	static const char *const optv[] = {"-k", "65536", "-f",
		"delay=60000", NULL};
	struct scene s;
	struct wait w;
	char *spool;

	start(&s, NULL, optv);
	spool = scene_file(&s, "spool");
	pf_cmd(s.pf, "fault none");
	scene_leave(&s, "from=%s " OCTETS " size=%u", BOB, 90 * MB);
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	wait_start(&w, E2E_WAIT, "the beginning of the file");
	while (wait_more(&w)) {
		if (spooled(spool, false))
			break;
	}
	baresip_kill(s.b);
	ck_assert_uint_eq(1, spooled(spool, false) + spooled(spool, true));
	(void)pf_event(s.pf, "ended", E2E_WAIT);

	scene_restart(&s);
	ck_assert_uint_eq(0, spooled(spool, false) + spooled(spool, true));
	ck_assert_int_eq(0, scene_count(&s, "messages"));
	deliver(&s, 1);
	file_whole(ctrl_ask(s.c, "cpm_message", "1"), 90 * MB);
	scene_close(&s);
}
END_TEST


/* A file system of so many octets, for this process and its children */
static void disk_make(const char *path, size_t size)
{
	const unsigned uid = getuid(), gid = getgid();
	char opt[64], map[64];

	ck_assert_int_eq(0, mkdir(path, 0700));
	if (uid) {
		ck_assert_int_eq(0, unshare(CLONE_NEWUSER));
		file_write("/proc/self/setgroups", "deny");
		snprintf(map, sizeof(map), "%u %u 1", uid, uid);
		file_write("/proc/self/uid_map", map);
		snprintf(map, sizeof(map), "%u %u 1", gid, gid);
		file_write("/proc/self/gid_map", map);
	}
	ck_assert_int_eq(0, unshare(CLONE_NEWNS));
	ck_assert_int_eq(0, mount(NULL, "/", NULL, MS_REC | MS_PRIVATE,
				  NULL));
	snprintf(opt, sizeof(opt), "size=%zu,mode=0700", size);
	ck_assert_int_eq(0, mount("none", path, "tmpfs", 0, opt));
}


static void refused(struct scene *s, int64_t left)
{
	const struct pf_event *ev;
	const struct odict *o;

	pf_cmd(s->pf, "deliver to=%s", ALICE);
	ev = pf_event(s->pf, "ended", 3 * E2E_WAIT);
	ck_assert_str_eq("MSRP 413", pf_str(ev, "reason"));
	ck_assert_int_eq(left, pf_int(ev, "left"));
	o = ctrl_try_event(s->c, "error", TOLD);
	if (o)
		ck_assert_str_eq("disk-full", j_str(o, "what"));
}


/* The disk is full in the middle (nobody said how much would come), or is
   known to be too small from the beginning */
START_TEST(disk_full)
{
	static const char *const optvv[][8] = {
		{"-k", "65536"}, {"-f", "norange"},
	};
	const char *disk, *spool;
	struct scene s;
	char *keep;

	scene_open(&s, &(struct scene_args){.optv = {optvv[_i][0],
		   optvv[_i][1]}});
	disk = env_path(s.env, "disk");
	disk_make(disk, 30 * MB);
	s.args.config = env_str(s.env, "cpm_db %s/cpm.db\n"
				"cpm_disk_reserve 0\n", disk);
	spool = env_str(s.env, "%s/spool", disk);
	keep = env_str(s.env, "%s/other", disk);
	scene_start(&s);
	pf_cmd(s.pf, "auto off");

	scene_leave(&s, "from=%s text=small", BOB);
	deliver(&s, 1);
	base64_write(keep, 10 * MB, "");
	scene_leave(&s, "from=%s id=large " OCTETS " size=%u", BOB, SIZE);
	ctrl_skip(s.c);
	refused(&s, 1);
	nothing_begun(spool);
	ck_assert_uint_eq(0, spooled(spool, true));
	ck_assert_int_eq(1, scene_count(&s, "messages"));

	/* somebody makes room */
	ck_assert_int_eq(0, unlink(keep));
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	scene_delivered(&s, 2);
	file_whole(ctrl_ask(s.c, "cpm_message", "2"), SIZE);
	ck_assert_int_eq(0, baresip_quit(s.b));
	s.b = NULL;
	ck_assert_int_eq(0, umount2(disk, MNT_DETACH));
	scene_close(&s);
}
END_TEST


/* What is to stay free does: and as soon as there is more, no restart */
START_TEST(reserve)
{
	const char *disk;
	struct scene s;
	char *keep;

	scene_open(&s, NULL);
	disk = env_path(s.env, "disk");
	disk_make(disk, 30 * MB);
	s.args.config = env_str(s.env, "cpm_db %s/cpm.db\n"
				"cpm_disk_reserve %d\n", disk, 22 * MB);
	keep = env_str(s.env, "%s/other", disk);
	scene_start(&s);
	pf_cmd(s.pf, "auto off");
	base64_write(keep, 10 * MB, "");
	scene_leave(&s, "from=%s text=small", BOB);
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	(void)pf_event_kv(s.pf, "answer", "code", "480", E2E_WAIT);
	ck_assert_str_eq("disk-full", j_str(ctrl_event(s.c, "error",
						       E2E_WAIT), "what"));
	ck_assert_int_eq(0, scene_count(&s, "messages"));

	ck_assert_int_eq(0, unlink(keep));
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	scene_delivered(&s, 1);
	ck_assert_int_eq(0, baresip_quit(s.b));
	s.b = NULL;
	ck_assert_int_eq(0, umount2(disk, MNT_DETACH));
	scene_close(&s);
}
END_TEST


/* A head that does not end */
START_TEST(no_head)
{
	static const char *const optv[] = {"-k", "65536", NULL};
	const struct pf_event *ev;
	struct scene s;
	char *name = mem_zalloc(20001, NULL);

	memset(name, 'n', 20000);
	start(&s, NULL, optv);
	scene_leave(&s, "from=%s type=x/%s size=%u", BOB, name, SIZE);
	mem_deref(name);
	pf_cmd(s.pf, "deliver to=%s", ALICE);
	ev = pf_event(s.pf, "ended", E2E_WAIT);
	ck_assert_str_eq("MSRP 400", pf_str(ev, "reason"));
	nothing_begun(scene_file(&s, "spool"));
	scene_close(&s);
}
END_TEST


void large_cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "flat", 120);

	tcase_add_test(tc, flat);

	tc = suite_case(suite, "large", 120);
	tcase_add_loop_test(tc, shape, 0, ARRAY_SIZE(shapev));
	tcase_add_loop_test(tc, text, 0, 2);
	tcase_add_loop_test(tc, base64, 0, 3);
	tcase_add_test(tc, given_up);
	tcase_add_test(tc, killed);
	tcase_add_loop_test(tc, disk_full, 0, 2);
	tcase_add_test(tc, reserve);
	tcase_add_test(tc, no_head);
}
