/**
 * @file compose_out.c  The CPIM of a message of ours
 *
 * RFC 3862; RFC 5438, 6; RFC 2183, 2.3 and RFC 2231, 4 for the name of a file;
 * RFC 2046, 4.1.2 for the charset of a text. The body is as it is: SIP and
 * MSRP carry any octets, so it needs no encoding.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cpm_mime.h>
#include "engine.h"
#include "compose_out.h"
#include "sendq.h"


/* RFC 2231, 7: attribute-char */
static bool isattr(uint8_t c)
{
	return c > ' ' && c < 0x7f && !strchr("*'%()<>@,;:\\\"/[]?=", c);
}


static bool isascii_all(const char *str)
{
	for (; *str; str++) {
		if ((uint8_t)*str >= 0x80)
			return false;
	}

	return true;
}


/* What does not know filename* gets a name with "_" in it */
static int quoted(struct mbuf *mb, const char *name)
{
	int err = mbuf_write_str(mb, "; filename=\"");

	for (; *name && !err; name++) {
		const uint8_t c = (uint8_t)*name;

		if (c < ' ' || c == 0x7f || (c & 0xc0) == 0x80)
			continue;
		if (c == '"' || c == '\\')
			err = mbuf_write_u8(mb, '\\');
		if (!err)
			err = mbuf_write_u8(mb, c >= 0x80 ? '_' : c);
	}

	return err ? err : mbuf_write_u8(mb, '"');
}


static int extended(struct mbuf *mb, const char *name)
{
	int err = mbuf_write_str(mb, "; filename*=UTF-8''");

	for (; *name && !err; name++) {
		const uint8_t c = (uint8_t)*name;

		err = isattr(c) ? mbuf_write_u8(mb, c)
			: mbuf_printf(mb, "%%%02X", c);
	}

	return err;
}


static int str_of(char **strp, struct mbuf *mb, int err)
{
	if (!err) {
		mb->pos = 0;
		err = mbuf_strdup(mb, strp, mb->end);
	}
	mem_deref(mb);

	return err;
}


/* @param strp NULL if it is no file; mem_deref() it */
static int disposition(char **strp, const char *name)
{
	struct mbuf *mb;
	int err;

	if (!name)
		return 0;

	mb = mbuf_alloc(128);
	if (!mb)
		return ENOMEM;

	err = mbuf_write_str(mb, "attachment");
	if (!err)
		err = quoted(mb, name);
	if (!err && !isascii_all(name))
		err = extended(mb, name);

	return str_of(strp, mb, err);
}


/* RFC 2046, 4.1.2: a text that does not say is ASCII to its reader */
static int type_of(char **strp, const struct out_msg *m)
{
	char *charset = NULL;
	struct pl pl;
	int err;

	pl_set_str(&pl, m->type);
	err = m->text ? mime_param(&charset, &pl, "charset") : 0;
	mem_deref(charset);
	if (err && err != ENOENT)
		return err;

	return err ? re_sdprintf(strp, "%s;charset=UTF-8", m->type)
		: str_dup(strp, m->type);
}


int out_cpim_head(struct mbuf *mb, const struct out_msg *m)
{
	struct cpim_out out = {
		.from       = m->account,
		.to         = m->peer,
		.time       = m->time,
		.imdn_msgid = m->imdn_id,
		.notify     = m->notify,
		.follows    = m->size,
	};
	char *type = NULL, *disp = NULL;
	int err;

	if (!m->type)
		return EINVAL;

	err = type_of(&type, m);
	if (!err)
		err = disposition(&disp, m->filename);
	if (!err) {
		out.ctype = type;
		out.cdisp = disp;
		err = cpim_encode(mb, &out);
	}
	mem_deref(type);
	mem_deref(disp);

	return err;
}


static int source_open(int *fdp, const struct out_msg *m)
{
	struct stat st;
	int err;

	err = cpm_source_open(fdp, &st, m->source);
	switch (err) {

	case 0:
		break;
	case ENOENT:
	case ENOTDIR:
	case EISDIR:
	case EINVAL:  /* no file any more */
		return ESTALE;
	case EPERM:
		return EACCES;
	default:
		return err;
	}

	if ((uint64_t)st.st_size == m->size &&
	    cpm_source_mtime(&st) == m->source_mtime)
		return 0;

	(void)close(*fdp);

	return ESTALE;
}


static int source_read(struct mbuf *mb, const struct out_msg *m, uint64_t off,
		       size_t len)
{
	int fd = -1, err;

	if (!mb)
		return EINVAL;
	if (off >= m->size)
		return 0;
	if (len > m->size - off)
		len = (size_t)(m->size - off);

	err = mbuf_get_space(mb) < len ? mbuf_resize(mb, mb->pos + len) : 0;
	if (!err)
		err = source_open(&fd, m);

	while (!err && len) {
		const ssize_t n = pread(fd, mbuf_buf(mb), len, (off_t)off);

		if (n <= 0) {
			/* cut short while we read it */
			err = n ? errno : ESTALE;
			if (err == EINTR)
				err = 0;
			continue;
		}
		mb->pos += (size_t)n;
		if (mb->end < mb->pos)
			mb->end = mb->pos;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	if (fd >= 0)
		(void)close(fd);

	return err;
}


int out_body(struct mbuf *mb, struct cpm *cpm, const struct out_msg *m,
	     uint64_t off, size_t len)
{
	int err;

	if (m->source)
		return source_read(mb, m, off, len);

	err = cpm_store_body(cpm->store, m->id, off, len, mb);

	/* that is the database's, not the message's */
	return err == EBADMSG ? EIO : err;
}
