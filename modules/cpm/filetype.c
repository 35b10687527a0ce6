/**
 * @file filetype.c  What a file of the user's is: by libmagic, as file(1) says
 *
 * RFC 2045, 5.1 (media types). Its first octets decide, not its name. libmagic
 * is asked in the main loop, so it gets limits: a head of nothing but line
 * ends takes 0.4 s without them, 12 ms with them, and others 1 to 5 ms. What
 * it says of a charset then holds for less than the head, so that is looked at
 * here.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <magic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "glue.h"


enum {
	HEAD_MAX     = 65536,  /* octets that are looked at: what all but
			          some archives tell themselves by          */
	REGEX_MAX    = 1024,   /* of these with each regular expression     */
	ENCODING_MAX = 4096,   /* and for whether they are text             */
	TAIL_MAX     = 3,      /* a character that the head cuts            */
};

static const char octets[] = "application/octet-stream";

struct filetype {
	magic_t magic;  /* NULL: not asked yet, or it has no database       */
	bool tried;
};


static void destructor(void *arg)
{
	struct filetype *ft = arg;

	if (ft->magic)
		magic_close(ft->magic);
}


/* The database is mapped (8 MB), when the first file is sent */
static void load(struct filetype *ft)
{
	size_t regex = REGEX_MAX, encoding = ENCODING_MAX;
	magic_t m;

	if (ft->tried)
		return;

	ft->tried = true;
	m = magic_open(MAGIC_MIME | MAGIC_NO_CHECK_COMPRESS);
	if (m && !magic_load(m, NULL) &&
	    !magic_setparam(m, MAGIC_PARAM_REGEX_MAX, &regex) &&
	    !magic_setparam(m, MAGIC_PARAM_ENCODING_MAX, &encoding)) {
		ft->magic = m;
		return;
	}

	warning("cpm: no types of files: %s\n",
		m && magic_error(m) ? magic_error(m) : "libmagic");
	if (m)
		magic_close(m);
}


/*
 * The head of a file
 */

static const char *open_why(int err)
{
	switch (err) {

	case ENOENT:
	case ENOTDIR: return "is not there";
	case EACCES:
	case EPERM:   return "cannot be read";
	case EISDIR:  return "is a folder";
	case EINVAL:  return "is no regular file";
	default:      return NULL;
	}
}


static int head_open(int *fdp, const char *path, const char **whyp)
{
	struct stat st;
	int err;

	err = cpm_source_open(fdp, &st, path);
	if (err) {
		*whyp = open_why(err);
		return err;
	}
	if (st.st_size)
		return 0;

	(void)close(*fdp);
	*whyp = "is empty";

	return EINVAL;
}


static int head_read(struct mbuf *mb, int fd)
{
	while (mb->end < mb->size) {
		const ssize_t n = read(fd, mb->buf + mb->end,
				       mb->size - mb->end);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		if (!n)
			break;
		mb->end += (size_t)n;
	}

	return 0;
}


/*
 * Type
 */

static bool is_utf8(const struct mbuf *head)
{
	const size_t n = cpm_text_valid(head->buf, head->end);

	return n == head->end ||
		(head->end == HEAD_MAX && head->end - n <= TAIL_MAX);
}


/* What libmagic says of less than the head, or does not know */
static bool is_guess(const struct pl *charset)
{
	static const char *const namev[] = {
		"us-ascii", "utf-8", "binary", "unknown-8bit",
	};
	size_t i;

	for (i=0; i<ARRAY_SIZE(namev); i++) {
		if (!pl_strcasecmp(charset, namev[i]))
			return true;
	}

	return !pl_isset(charset);
}


/* One of its own inventions may be no type at all */
static int print(char *buf, size_t size, const struct pl *type,
		 const struct pl *charset)
{
	const int n = pl_isset(charset)
		? re_snprintf(buf, size, "%r;charset=%r", type, charset)
		: re_snprintf(buf, size, "%r", type);

	if (n < 0 || !filetype_isvalid(buf))
		str_ncpy(buf, octets, size);

	return 0;
}


static int decide(char *buf, size_t size, const char *mime,
		  const struct mbuf *head)
{
	const struct pl utf8 = PL("UTF-8"), none = PL_INIT;
	struct pl type, charset = PL_INIT;

	if (re_regex(mime, strlen(mime), "[^;]+;[ ]*charset=[^ ;]+", &type,
		     NULL, &charset))
		pl_set_str(&type, mime);

	if (type.l < 5 || strncmp(type.p, "text/", 5))
		return print(buf, size, &type, &none);
	if (is_utf8(head) && !memchr(head->buf, 0, head->end))
		return print(buf, size, &type, &utf8);
	if (!is_guess(&charset))
		return print(buf, size, &type, &charset);

	/* text at its beginning only */
	if (memchr(head->buf, 0, head->end))
		pl_set_str(&type, octets);

	return print(buf, size, &type, &none);
}


static int ask(struct filetype *ft, char *type, size_t size,
	       const struct mbuf *head)
{
	const char *mime;

	load(ft);
	mime = ft->magic ? magic_buffer(ft->magic, head->buf, head->end)
		: octets;
	if (!mime && magic_errno(ft->magic) == ENOMEM)
		return ENOMEM;

	return decide(type, size, mime ? mime : octets, head);
}


int filetype_alloc(struct filetype **ftp)
{
	struct filetype *ft;

	if (!ftp)
		return EINVAL;

	ft = mem_zalloc(sizeof(*ft), destructor);
	if (!ft)
		return ENOMEM;

	*ftp = ft;

	return 0;
}


int filetype_get(struct filetype *ft, char *type, size_t size,
		 const char *path, const char **whyp)
{
	struct mbuf *head;
	int err, fd = -1;

	if (!ft || (type && size <= CPM_TYPE_MAX) || !path || !whyp)
		return EINVAL;

	*whyp = NULL;
	if (path[0] != '/') {
		*whyp = "is no path from / on (the softphone has another "
			"folder than you)";
		return EINVAL;
	}

	err = head_open(&fd, path, whyp);
	if (err)
		return err;

	if (!type) {
		(void)close(fd);
		return 0;
	}

	head = mbuf_alloc(HEAD_MAX);
	err = head ? head_read(head, fd) : ENOMEM;
	(void)close(fd);
	if (!err)
		err = ask(ft, type, size, head);
	mem_deref(head);

	return err;
}


/*
 * type "/" subtype *(";" attribute "=" value)    (RFC 2045, 5.1)
 */

static size_t token_len(const char *p)
{
	size_t n = 0;

	while (p[n] > ' ' && p[n] < 0x7f &&
	       !strchr("()<>@,;:\\\"/[]?=", p[n]))
		++n;

	return n;
}


/* quoted-string = <"> *(qtext / quoted-pair) <">, of ASCII only */
static size_t quoted_len(const char *p)
{
	size_t n = 1;

	if (p[0] != '"')
		return 0;

	for (; p[n] != '"'; n++) {
		if (p[n] == '\\')
			++n;
		if (p[n] < ' ' || p[n] >= 0x7f)
			return 0;
	}

	return n + 1;
}


static bool params_valid(const char *p)
{
	size_t n;

	while (*p) {
		p += strspn(p, " ");
		if (*p++ != ';')
			return false;
		p += strspn(p, " ");
		n = token_len(p);
		if (!n || p[n] != '=')
			return false;
		p += n + 1;
		n = *p == '"' ? quoted_len(p) : token_len(p);
		if (!n)
			return false;
		p += n;
	}

	return true;
}


bool filetype_isvalid(const char *type)
{
	size_t n;

	if (!type || strlen(type) > CPM_TYPE_MAX)
		return false;

	n = token_len(type);
	if (!n || type[n] != '/')
		return false;

	type += n + 1;
	n = token_len(type);

	return n && params_valid(type + n);
}
