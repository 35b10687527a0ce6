/**
 * @file json.c  JSON written as it comes, to a file
 *
 * RFC 8259. For what is too large to be held: an object of a million members
 * or a text of a gigabyte takes no more memory than a short one. Strings are
 * made safe on the way, see cpm_text_clean(). After an error nothing is
 * written any more, so that it is looked at once, at the end.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include "engine.h"
#include "json.h"


static void destructor(void *arg)
{
	struct json *js = arg;

	mem_deref(js->mb);
}


int json_alloc(struct json **jsp)
{
	struct json *js;

	js = mem_zalloc(sizeof(*js), destructor);
	if (!js)
		return ENOMEM;

	/* cleaning makes of one octet three at most: it never grows, and
	   another thread may use it */
	js->mb = mbuf_alloc(3 * sizeof(js->raw));
	if (!js->mb) {
		mem_deref(js);
		return ENOMEM;
	}

	*jsp = js;

	return 0;
}


void json_file(struct json *js, FILE *f)
{
	js->f     = f;
	js->err   = 0;
	js->first = true;
	js->rawl  = 0;
}


static void put(struct json *js, const void *p, size_t len)
{
	if (js->err || !len)
		return;

	errno = 0;
	if (fwrite(p, 1, len, js->f) != len)
		js->err = errno ? errno : EIO;
}


static void put_str(struct json *js, const char *str)
{
	put(js, str, strlen(str));
}


void json_open(struct json *js)
{
	put_str(js, "{");
	js->first = true;
}


void json_close(struct json *js)
{
	put_str(js, "}\n");
}


static void put_key(struct json *js, const char *key)
{
	if (!js->first)
		put_str(js, ",");
	js->first = false;

	put_str(js, "\"");
	put_str(js, key);
	put_str(js, "\":");
}


void json_object(struct json *js, const char *key)
{
	put_key(js, key);
	put_str(js, "{");
	js->first = true;
}


void json_object_end(struct json *js)
{
	put_str(js, "}");
	js->first = false;
}


void json_uint(struct json *js, const char *key, uint64_t val)
{
	char buf[24];

	put_key(js, key);
	(void)snprintf(buf, sizeof(buf), "%llu", (unsigned long long)val);
	put_str(js, buf);
}


void json_bool(struct json *js, const char *key, bool val)
{
	put_key(js, key);
	put_str(js, val ? "true" : "false");
}


/* The first octets of what is held, made safe; the rest stays held */
static void text_flush(struct json *js, size_t len)
{
	size_t i, start = 0;

	js->mb->pos = js->mb->end = 0;
	if (cpm_text_clean(js->mb, js->raw, len) && !js->err)
		js->err = ENOMEM;
	js->rawl -= len;
	memmove(js->raw, js->raw + len, js->rawl);

	for (i=0; i<js->mb->end; i++) {
		const uint8_t c = js->mb->buf[i];

		if (c != '"' && c != '\\' && c >= 0x20)
			continue;

		put(js, js->mb->buf + start, i - start);
		start = i + 1;
		/* no other controls are left */
		put_str(js, c == '"' ? "\\\"" : c == '\\' ? "\\\\"
			: c == '\n' ? "\\n" : "\\t");
	}
	put(js, js->mb->buf + start, i - start);
}


void json_text_start(struct json *js, const char *key)
{
	put_key(js, key);
	put_str(js, "\"");
	js->rawl = 0;
}


void json_text(struct json *js, const uint8_t *buf, size_t len)
{
	while (len) {
		const size_t room = sizeof(js->raw) - js->rawl;
		const size_t n = len < room ? len : room;
		size_t cut;

		memcpy(js->raw + js->rawl, buf, n);
		js->rawl += n;
		buf += n;
		len -= n;
		if (js->rawl < sizeof(js->raw))
			return;

		/* neither inside a character nor between CR and LF */
		cut = cpm_text_cut(js->raw, js->rawl, js->rawl - 4);
		if (js->raw[cut - 1] == '\r')
			--cut;
		text_flush(js, cut);
	}
}


void json_text_end(struct json *js)
{
	text_flush(js, js->rawl);
	put_str(js, "\"");
}


void json_str(struct json *js, const char *key, const char *str)
{
	/* what is not known is left out */
	if (!str)
		return;

	json_text_start(js, key);
	json_text(js, (const uint8_t *)str, strlen(str));
	json_text_end(js);
}
