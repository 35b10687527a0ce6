/**
 * @file cmd.c  Commands on standard input
 *
 * A command is one line: a word, then key=value separated by spaces, values
 * percent-encoded; text= takes the rest of the line as it is.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "pf.h"
#include "cmd.h"


typedef int (cmd_h)(const struct args *args);


static bool word_next(struct pl *word, struct pl *src)
{
	const char *p;

	while (src->l && *src->p == ' ')
		pl_advance(src, 1);

	p = memchr(src->p, ' ', src->l);
	word->p = src->p;
	word->l = p ? (size_t)(p - src->p) : src->l;
	pl_advance(src, (ssize_t)word->l);
	return word->l > 0;
}


static int args_split(struct args *args, struct pl src)
{
	struct pl word;

	if (!word_next(&args->word, &src))
		return ENOENT;
	args->rest = src;
	if (args->rest.l)
		pl_advance(&args->rest, 1);

	while (word_next(&word, &src)) {
		const char *p = memchr(word.p, '=', word.l);

		if (!p) {
			args->bare = word;
			continue;
		}
		if (args->n == ARG_MAX_)
			return E2BIG;

		args->key[args->n].p = word.p;
		args->key[args->n].l = (size_t)(p - word.p);
		args->val[args->n].p = p + 1;
		args->val[args->n].l = word.l - (size_t)(p + 1 - word.p);
		if (!pl_strcmp(&args->key[args->n], "text")) {
			args->val[args->n++].l += src.l;
			break;
		}
		args->n++;
	}

	return 0;
}


const struct pl *arg_find(const struct args *args, const char *key)
{
	size_t i;

	for (i = 0; i < args->n; i++) {
		if (!pl_strcmp(&args->key[i], key))
			return &args->val[i];
	}

	return NULL;
}


/* A decoded value. @return 0, with NULL where there is none; ENOMEM */
int arg_get(char **valp, const struct args *args, const char *key)
{
	const struct pl *val = arg_find(args, key);

	*valp = NULL;
	return val && val->l ? percent_decode(valp, val) : 0;
}


/* @return 0; EINVAL: there, and no number */
int arg_num(uint64_t *np, const struct args *args, const char *key)
{
	const struct pl *val = arg_find(args, key);
	size_t i;

	for (i = 0; val && i < val->l; i++) {
		if (val->p[i] < '0' || val->p[i] > '9')
			return EINVAL;
	}

	*np = val ? pl_u64(val) : 0;
	return 0;
}


/* A URI; a name alone is that of somebody here */
int arg_uri(char **urip, const struct args *args, const char *key)
{
	char *str, *uri;
	int err = arg_get(&str, args, key);

	if (err || !str || strchr(str, ':')) {
		*urip = str;
		return err;
	}

	err = re_sdprintf(&uri, "sip:%s@%s", str, args->pf->domain);
	mem_deref(str);
	*urip = err ? NULL : uri;
	return err;
}


/* The user whom to= names; made when unknown, for he may come yet */
int arg_user(struct user **up, const struct args *args)
{
	char *uri = NULL, *name = NULL;
	int err;

	err = arg_uri(&uri, args, "to");
	if (!err)
		err = uri ? uri_name(&name, uri) : EINVAL;
	if (!err) {
		*up = user_find(args->pf, name);
		if (!*up)
			err = user_add(up, args->pf, name, NULL);
	}

	mem_deref(name);
	mem_deref(uri);
	return err;
}


static int cmd_deliver(const struct args *args)
{
	struct user *user = NULL;
	int err = arg_user(&user, args);

	return err ? err : deliver_start(user);
}


static int cmd_auto(const struct args *args)
{
	const bool on = !pl_strcmp(&args->bare, "on");

	if (!on && pl_strcmp(&args->bare, "off"))
		return EINVAL;

	args->pf->auto_on = on;
	return 0;
}


static int cmd_set(const struct args *args)
{
	struct options *opt = &args->pf->opt;
	size_t i;

	for (i = 0; i < args->n; i++) {
		const struct pl *key = &args->key[i], *val = &args->val[i];
		const bool window = !pl_strcmp(key, "window");

		if (!pl_strcmp(key, "announce")) {
			if (announce_args(&opt->ann, val))
				return EINVAL;
			continue;
		}
		if (!pl_strcmp(key, "imdn")) {
			if (notice_args(&opt->notices, val))
				return EINVAL;
			continue;
		}
		if (window || !pl_strcmp(key, "chunk")) {
			if (!pl_u32(val))
				return EINVAL;
			*(window ? &opt->window : &opt->chunk) = pl_u32(val);
			continue;
		}
		if (pl_strcmp(key, "setup") ||
		    (pl_strcmp(val, "actpass") && pl_strcmp(val, "active") &&
		     pl_strcmp(val, "passive") && pl_strcmp(val, "none")))
			return EINVAL;
		(void)pl_strcpy(val, opt->setup, sizeof(opt->setup));
	}

	return args->n ? 0 : EINVAL;
}


static int cmd_fault(const struct args *args)
{
	struct pl pl = args->rest;
	char str[64];

	while (pl.l && pl.p[pl.l - 1] == ' ')
		pl.l--;
	if (pl_strcpy(&pl, str, sizeof(str)))
		return EINVAL;

	return fault_set(&args->pf->faults, str);
}


static int cmd_pending(const struct args *args)
{
	struct user *user = NULL;
	char *uri = NULL;
	int err;

	err = arg_user(&user, args);
	if (!err)
		err = arg_uri(&uri, args, "to");
	if (!err)
		event("pending to=%s count=%llu", uri, (unsigned long long)
		      keep_count(args->pf->keep, user->name));

	mem_deref(uri);
	return err;
}


struct session *arg_session(const struct args *args)
{
	struct user *user = NULL;

	if (arg_user(&user, args))
		return NULL;

	return user->sess ? user->sess : session_pull(user);
}


static int cmd_bye(const struct args *args)
{
	struct session *sess = arg_session(args);

	if (!sess)
		return ESRCH;

	session_end(sess, BY_PF, "command");
	return 0;
}


static int cmd_reinvite(const struct args *args)
{
	struct session *sess = arg_session(args);

	return sess ? dialog_modify(sess, true, true) : ESRCH;
}


static int cmd_update(const struct args *args)
{
	struct session *sess = arg_session(args);

	return sess ? dialog_modify(sess, false, true) : ESRCH;
}


struct sums {
	uint32_t n;
	uint32_t repeats;
	bool print;
};


static void notice_handler(const struct notice *n, void *arg)
{
	struct sums *sums = arg;

	sums->n++;
	sums->repeats += n->count - 1;
	if (sums->print)
		event("imdn id=%s status=%s from=%s to=%s count=%u", n->id,
		      n->status, n->from, n->to, n->count);
}


static int cmd_imdns(const struct args *args)
{
	struct sums sums = {.print = true};
	char *from = NULL;
	int err = arg_uri(&from, args, "from");

	if (err)
		return err;

	keep_notices(args->pf->keep, from, notice_handler, &sums);
	event("imdns n=%u", sums.n);
	mem_deref(from);
	return 0;
}


static int cmd_stats(const struct args *args)
{
	const struct pf *pf = args->pf;
	struct sums sums = {.print = false};

	keep_notices(pf->keep, NULL, notice_handler, &sums);
	event("stats kept=%llu delivered=%u imdn=%u repeats=%u sessions=%u "
	      "taken=%u proxied=%u routed=%u",
	      (unsigned long long)keep_count(pf->keep, NULL), pf->delivered,
	      sums.n, sums.repeats, pf->sessions, pf->taken, pf->proxied,
	      pf->routed);
	return 0;
}


static int cmd_quit(const struct args *args)
{
	args->pf->quit = true;
	re_cancel();
	return 0;
}


static int cmd_help(const struct args *args);


static const struct {
	const char *name;
	cmd_h *h;
	const char *help;
} table[] = {
	{"leave", leave_cmd,
		"from=URI to=URI [name=DISPLAY] [conv=ID | conv=none] "
		"[id=ID]\n"
		"             [ask=positive-delivery,display | ask=none] "
		"[type=MIME] [anon=yes]\n"
		"             [date=RFC3339] [filename=NAME | disp=VALUE] "
		"[group=URI] [way=WAY]\n"
		"             [expires=SECONDS] [count=N: many, with a number "
		"behind id and text]\n"
		"             and one of text=REST OF LINE | "
		"body=PERCENT-ENCODED | size=N |\n"
		"             file=PATH                     keep a message"},
	{"way", leave_cmd_way,
		"[to=URI] how=auto|page|large|inline|all|session|pull "
		"[few=N]\n             the way of what has none of its own, "
		"see --help"},
	{"deliver", cmd_deliver, "to=URI       deliver what is kept now"},
	{"auto", cmd_auto,
		"on|off       deliver on registration and on leave"},
	{"set", cmd_set,
		"setup=actpass|passive|active|none window=N chunk=N\n"
		"             announce=HOW[,LIST] imdn=apart|mixed|off"},
	{"fault", cmd_fault, "NAME[=ARG] | none"},
	{"announce", announce_cmd,
		"to=URI [how=message|notify] "
		"[list=none|text|summary|xml|news]\n"
		"             tell what waits to be fetched, also that "
		"nothing does"},
	{"report", notice_cmd_report,
		"to=URI from=URI id=ID [status=STATUS] [conv=ID] "
		"[imdnid=ID]\n"
		"             keep a notification about his message ID"},
	{"pending", cmd_pending, "to=URI       how many are kept"},
	{"bye", cmd_bye, "to=URI       end the running delivery"},
	{"reinvite", cmd_reinvite, "to=URI       the same offer once more"},
	{"update", cmd_update, "to=URI       the same with UPDATE"},
	{"chat", chat_cmd_chat,
		"to=URI from=URI [conv=ID] [types=LIST] [wrapped=LIST] "
		"[refuse=N]\n             open an ordinary session"},
	{"say", chat_cmd_say,
		"to=URI [type=MIME] [bare=yes] text=REST | body=ENCODED"},
	{"composing", chat_cmd_composing,
		"to=URI [state=active|idle] [refresh=N] [wrap=yes]"},
	{"dir", chat_cmd_dir,
		"to=URI way=sendrecv|sendonly|recvonly|inactive"},
	{"imdns", cmd_imdns, "[from=URI]   the notifications collected"},
	{"stats", cmd_stats, "counts"},
	{"help", cmd_help, "this list"},
	{"quit", cmd_quit, "end the program"},
};


/* To stderr: standard output is for events */
static int cmd_help(const struct args *args)
{
	size_t i;
	(void)args;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		(void)fprintf(stderr, "  %-9s  %s\n", table[i].name,
			      table[i].help);
	(void)fprintf(stderr, "faults:\n");
	fault_help(stderr);
	return 0;
}


static const char *err_text(int err)
{
	switch (err) {

	case EINVAL:   return "wrong or missing argument";
	case ENOENT:   return "nothing is kept";
	case ENOTCONN: return "not registered";
	case ESRCH:    return "no delivery is running";
	case EBUSY:    return "another change is under way";
	case EPROTO:   return "not in this state";
	default:       return strerror(err);
	}
}


static void line_run(struct pf *pf, const char *p, size_t n)
{
	struct args args = {.pf = pf};
	struct pl line = {p, n};
	char text[256];
	size_t i;
	int err;

	if (line.l && line.p[line.l - 1] == '\r')
		line.l--;
	err = args_split(&args, line);
	if (err == ENOENT)
		return;

	for (i = 0; i < ARRAY_SIZE(table) && !err; i++) {
		if (pl_strcmp(&args.word, table[i].name))
			continue;
		err = table[i].h(&args);
		if (!err)
			return;
	}

	(void)re_snprintf(text, sizeof(text), "%r: %s", &args.word,
			  err ? err_text(err) : "unknown command, see help");
	event("error text=%s", text);
}


static void lines_run(struct pf *pf)
{
	struct mbuf *mb = pf->line;
	const char *p;

	while ((p = memchr(mbuf_buf(mb), '\n', mbuf_get_left(mb)))) {
		const char *start = (const char *)mbuf_buf(mb);
		const size_t n = (size_t)(p - start);

		mb->pos += n + 1;
		line_run(pf, start, n);
	}

	memmove(mb->buf, mbuf_buf(mb), mbuf_get_left(mb));
	mb->end -= mb->pos;
	mb->pos = 0;
	if (mb->end > LINE_MAX_) {
		event("error text=%s", "line too long");
		mb->end = 0;
	}
}


/* @return More may come */
static bool input_read(struct pf *pf)
{
	char buf[16384];
	const ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));

	if (n <= 0)
		return n < 0 && (errno == EINTR || errno == EAGAIN);

	pf->line->pos = pf->line->end;
	if (mbuf_write_mem(pf->line, (const uint8_t *)buf, (size_t)n))
		return false;
	pf->line->pos = 0;
	lines_run(pf);
	return true;
}


/* What differs between releases of libre: fd_listen() fills in a handle from
   3.6.0 on */
#ifdef HAVE_RE_ARG

static struct re_fhs *input_fhs;


static void input_close(void)
{
	input_fhs = fd_close(input_fhs);
}


static int input_listen(fd_h *h, void *arg)
{
	return fd_listen(&input_fhs, STDIN_FILENO, FD_READ, h, arg);
}

#else

static void input_close(void)
{
	fd_close(STDIN_FILENO);
}


static int input_listen(fd_h *h, void *arg)
{
	return fd_listen(STDIN_FILENO, FD_READ, h, arg);
}

#endif


static void input_handler(int flags, void *arg)
{
	(void)flags;

	if (!input_read(arg))
		input_close();
}


static bool input_plain(void)
{
	struct stat st;

	return fstat(STDIN_FILENO, &st) || S_ISREG(st.st_mode) ||
		(S_ISCHR(st.st_mode) && !isatty(STDIN_FILENO));
}


/** Listen to commands. @return 0; ENOMEM */
int cmd_listen(struct pf *pf)
{
	pf->line = mbuf_alloc(1024);
	if (!pf->line)
		return ENOMEM;

	/* a plain file or /dev/null cannot be waited for, and need not be */
	if (input_plain() || input_listen(input_handler, pf)) {
		while (input_read(pf))
			;
	}
	else if (isatty(STDIN_FILENO)) {
		(void)fprintf(stderr, "Type \"help\" for the commands.\n");
	}

	return 0;
}


/** Stop listening */
void cmd_close(struct pf *pf)
{
	input_close();
	pf->line = mem_deref(pf->line);
}
