/**
 * @file announce/decode.c  What waits: reading a deferred list
 *
 * wire.md 5 and 13.8; what is assumed: cpm_announce.h.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cpm_announce.h>
#include <cpm_xml.h>
#include "announce.h"


#define LIST_NS "urn:oma:xml:im:history-list"

enum {
	DEPTH_ROOT  = 1,
	DEPTH_ENTRY = 2,
	DEPTH_FIELD = 3,

	DEPTH_MAX  = 8,    /* what is unknown may have elements in it     */
	GROW       = 16,   /* entries of room at first                    */
	DIGITS_MAX = 15,   /* no size has more                            */
};

/* What an element of an entry is */
enum field {
	FIELD_NONE = 0,
	FIELD_FROM,
	FIELD_SUBJECT,
	FIELD_SIZE,
	FIELD_DATE,
	FIELD_EXPIRY,
	FIELD_MODE,
};

static const char *const fieldv[] = {
	[FIELD_NONE]    = "",
	[FIELD_FROM]    = "from",
	[FIELD_SUBJECT] = "subject",
	[FIELD_SIZE]    = "size",
	[FIELD_DATE]    = "date",
	[FIELD_EXPIRY]  = "expiry",
	[FIELD_MODE]    = "mode",
};

struct reader {
	struct announce_list *list;
	size_t room;             /* in list->entryv                       */
	enum field field;        /* that is open                          */
};


static void destructor(void *arg)
{
	struct announce_list *list = arg;
	size_t i;

	for (i=0; i<list->entryc; i++) {
		struct announce_entry *e = &list->entryv[i];

		mem_deref(e->reference);
		mem_deref(e->from);
		mem_deref(e->subject);
		mem_deref(e->date);
		mem_deref(e->expiry);
	}
	mem_deref(list->entryv);
}


static int grow(struct reader *rd)
{
	const size_t room = rd->room ? 2 * rd->room : GROW;
	struct announce_entry *v;

	if (rd->list->entryc < rd->room)
		return 0;

	v = mem_zalloc(room * sizeof(*v), NULL);
	if (!v)
		return ENOMEM;

	if (rd->list->entryc)
		memcpy(v, rd->list->entryv, rd->list->entryc * sizeof(*v));
	mem_deref(rd->list->entryv);
	rd->list->entryv = v;
	rd->room = room;

	return 0;
}


static struct announce_entry *last(const struct reader *rd)
{
	return &rd->list->entryv[rd->list->entryc - 1];
}


bool announce_ref_valid(const char *ref)
{
	const unsigned char *p = (const unsigned char *)ref;

	if (!str_isset(ref) || strlen(ref) > ANNOUNCE_REF_MAX)
		return false;

	for (; *p; p++) {
		if (*p < ' ' || *p == 0x7f)
			return false;
	}

	return true;
}


static int entry_open(struct reader *rd, const char *const *attrv)
{
	const char *ref = xml_attr(attrv, "reference");
	int err;

	if (!announce_ref_valid(ref))
		return EBADMSG;
	if (rd->list->entryc >= ANNOUNCE_ENTRIES_MAX)
		return EOVERFLOW;

	err = grow(rd);
	if (err)
		return err;

	++rd->list->entryc;

	return str_dup(&last(rd)->reference, ref);
}


static enum field field_find(const char *name)
{
	unsigned i;

	for (i=FIELD_FROM; i<=FIELD_MODE; i++) {
		if (!strcmp(fieldv[i], name))
			return (enum field)i;
	}

	return FIELD_NONE;
}


static int open_handler(enum xml_take *takep, unsigned depth,
			const char *name, const char *const *attrv, void *arg)
{
	struct reader *rd = arg;
	const char *state;

	switch (depth) {

	case DEPTH_ROOT:
		if (strcmp(name, "deferred-list"))
			return EBADMSG;
		state = xml_attr(attrv, "state");
		rd->list->whole = state && !str_casecmp(state, "full");
		*takep = XML_TAKE_ENTER;
		return 0;

	case DEPTH_ENTRY:
		if (strcmp(name, "entry"))
			return 0;
		*takep = XML_TAKE_ENTER;
		return entry_open(rd, attrv);

	case DEPTH_FIELD:
		rd->field = field_find(name);
		if (rd->field)
			*takep = XML_TAKE_TEXT;
		return 0;

	default:
		return 0;
	}
}


/* of two alike the first counts */
static int text_set(char **strp, const char *text)
{
	return *strp || !*text ? 0 : str_dup(strp, text);
}


/* It is shown, no more: what is no number is not known */
static uint64_t size_decode(const char *text)
{
	const size_t n = strspn(text, "0123456789");
	struct pl pl = {text, n};

	return n && !text[n] && n <= DIGITS_MAX ? pl_u64(&pl) : 0;
}


static enum announce_mode mode_decode(const char *text)
{
	if (!str_casecmp(text, "page"))
		return ANNOUNCE_PAGE;
	if (!str_casecmp(text, "large"))
		return ANNOUNCE_LARGE;
	if (!str_casecmp(text, "session"))
		return ANNOUNCE_SESSION;

	return ANNOUNCE_UNKNOWN;
}


static int close_handler(unsigned depth, const char *text, void *arg)
{
	struct reader *rd = arg;
	struct announce_entry *e;

	if (depth != DEPTH_FIELD || !text)
		return 0;

	e = last(rd);
	switch (rd->field) {

	case FIELD_FROM:    return text_set(&e->from, text);
	case FIELD_SUBJECT: return text_set(&e->subject, text);
	case FIELD_DATE:    return text_set(&e->date, text);
	case FIELD_EXPIRY:  return text_set(&e->expiry, text);
	case FIELD_SIZE:
		e->size = size_decode(text);
		return 0;
	case FIELD_MODE:
		e->mode = mode_decode(text);
		return 0;
	default:
		return 0;
	}
}


int announce_decode(struct announce_list **listp, const uint8_t *buf,
		    size_t len)
{
	static const struct xml_form form = {
		.ns        = LIST_NS,
		.doc_max   = ANNOUNCE_DOC_MAX,
		.depth_max = DEPTH_MAX,
		.text_max  = ANNOUNCE_TEXT_MAX,
		.openh     = open_handler,
		.closeh    = close_handler,
	};
	struct reader rd = {.room = 0};
	int err;

	if (!listp || !buf)
		return EINVAL;

	rd.list = mem_zalloc(sizeof(*rd.list), destructor);
	if (!rd.list)
		return ENOMEM;

	err = xml_read(&form, buf, len, &rd);
	if (err)
		mem_deref(rd.list);
	else
		*listp = rd.list;

	return err == ENODATA ? EBADMSG : err;
}
