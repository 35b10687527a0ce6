/**
 * @file modules/cpm/ft.c  A file that lies on a web server, as JSON
 *
 * bus.md, "A message": ft. What the message says, shown and nothing else: no
 * server is asked for anything.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cpm_fthttp.h>
#include <cpm_mime.h>
#include "glue.h"


static int show_file(struct odict *o, const struct fthttp_file *file)
{
	char name[CPM_FILENAME_MAX + 1];
	struct pl until;
	uint64_t ms;
	int err;

	err = show_str(o, "url", file->url);
	cpm_filename(name, file->name);
	if (!err && name[0])
		err = show_str(o, "name", name);
	if (!err && file->type[0])
		err = show_str(o, "type", file->type);
	if (!err && file->size)
		err = show_uint(o, "size", file->size);

	pl_set_str(&until, file->until);
	if (!err && !cpim_time_decode(&ms, &until))
		err = show_time(o, "until", ms);

	return err;
}


static int show_doc(struct odict *o, const struct fthttp_doc *doc)
{
	struct odict *ft, *thumb = NULL;
	int err;

	err = odict_alloc(&ft, 8);
	if (err)
		return err;

	err = show_file(ft, &doc->file);
	if (!err && doc->thumbnail.url[0]) {
		err = odict_alloc(&thumb, 8);
		if (!err)
			err = show_file(thumb, &doc->thumbnail);
		if (!err)
			err = show_child(ft, "thumbnail", ODICT_OBJECT,
					 mem_ref(thumb));
		mem_deref(thumb);
	}
	if (err) {
		mem_deref(ft);
		return err;
	}

	return show_child(o, "ft", ODICT_OBJECT, ft);
}


int show_ft(struct odict *o, struct cpm_store *st, const struct cpm_msg *msg)
{
	struct fthttp_doc doc;
	struct mbuf *mb;
	struct pl type = PL_INIT;
	int err;

	pl_set_str(&type, msg->type);
	if (!mime_type_is(&type, FTHTTP_TYPE) || msg->missing ||
	    !msg->size || msg->size > FTHTTP_DOC_MAX)
		return 0;

	mb = mbuf_alloc((size_t)msg->size);
	if (!mb)
		return ENOMEM;

	if (msg->text_whole.l)
		err = mbuf_write_mem(mb, (const uint8_t *)msg->text_whole.p,
				     msg->text_whole.l);
	else
		err = cpm_store_body(st, msg->id, 0, (size_t)msg->size, mb);
	if (!err)
		err = fthttp_decode(&doc, mb->buf, mb->end);
	mem_deref(mb);

	/* one that we cannot read is there as text all the same */
	if (err == ENOMEM)
		return err;

	return err ? 0 : show_doc(o, &doc);
}
