/**
 * @file bus.c  Events of the engine as events of the host
 *
 * bus.md, Events: "cpm,<event>,<JSON object>", at most 255 octets in all.
 * They carry ids; a command fetches the rest.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "glue.h"


/* baresip 1.0.0 has no event for modules. The first value without a name
   reaches every program as type "?", with the text as it is. */
static unsigned event_value(void)
{
	static unsigned value;

	while (str_cmp(uag_event_str(value), "?"))
		++value;

	return value;
}


static int print_handler(const char *p, size_t size, void *arg)
{
	return mbuf_write_mem(arg, (const uint8_t *)p, size);
}


static int message_fields(struct odict *o, const struct cpm_event *ev)
{
	int err = show_uint(o, "conversation", ev->u.message.conversation);

	if (!err)
		err = show_uint(o, "first", ev->u.message.first);
	if (!err)
		err = show_uint(o, "last", ev->u.message.last);
	if (!err)
		err = show_uint(o, "count", ev->u.message.count);
	if (!err)
		err = show_bool(o, "deferred", ev->u.message.deferred);

	return err;
}


static int session_fields(struct odict *o, const struct cpm_event *ev)
{
	int err = show_uint(o, "session", ev->u.session.session);

	if (!err)
		err = show_str(o, "state",
			       cpm_sess_state_name(ev->u.session.state));
	if (!err && ev->u.session.conversation)
		err = show_uint(o, "conversation",
				ev->u.session.conversation);
	if (!err)
		err = show_bool(o, "deferred", ev->u.session.deferred);
	if (!err && ev->u.session.code)
		err = show_uint(o, "code", ev->u.session.code);
	if (!err)
		err = show_uint(o, "messages", ev->u.session.messages);
	if (!err && ev->u.session.reason)
		err = show_str(o, "reason", ev->u.session.reason);

	return err;
}


static int imdn_fields(struct odict *o, const struct cpm_event *ev)
{
	int err = show_uint(o, "id", ev->u.imdn.id);

	if (!err)
		err = show_str(o, "status",
			       ev->u.imdn.status == CPM_DELIVERED
			       ? "delivered" : "displayed");
	if (!err)
		err = show_str(o, "state", ev->u.imdn.sent ? "sent"
			       : "failed");
	if (!err)
		err = show_uint(o, "code", ev->u.imdn.code);

	return err;
}


/* The name of a file is whole or not there */
static int export_fields(struct odict *o, const struct cpm_event *ev,
			 size_t max)
{
	int err = show_uint(o, "export", ev->u.exported.number);

	if (!err)
		err = show_str(o, "state", ev->u.exported.done ? "done"
			       : "failed");
	if (!err && strlen(ev->u.exported.path) < max)
		err = show_str(o, "path", ev->u.exported.path);
	if (!err)
		err = show_uint(o, "messages", ev->u.exported.messages);
	if (!err && ev->u.exported.lost)
		err = show_uint(o, "lost", ev->u.exported.lost);
	if (!err)
		err = show_str(o, "text", ev->u.exported.text);

	return err;
}


static int error_fields(struct odict *o, const struct cpm_event *ev,
			size_t max)
{
	const char *text = ev->u.error.text ? ev->u.error.text : "";
	const size_t len = cpm_text_cut((const uint8_t *)text, strlen(text),
					max);
	struct pl pl = {text, len};
	char *cut = NULL;
	int err = show_str(o, "what", ev->u.error.what);

	if (!err)
		err = pl_strdup(&cut, &pl);
	if (!err)
		err = show_str(o, "text", cut);
	mem_deref(cut);

	return err;
}


static int store_fields(struct odict *o, const struct cpm_event *ev)
{
	return show_str(o, "state", cpm_store_state_name(ev->u.store.state));
}


static int composing_fields(struct odict *o, const struct cpm_event *ev)
{
	int err = 0;

	if (ev->u.composing.conversation)
		err = show_uint(o, "conversation",
				ev->u.composing.conversation);
	if (!err)
		err = show_uint(o, "session", ev->u.composing.session);

	return err ? err : show_str(o, "state", ev->u.composing.active
				    ? "active" : "idle");
}


static int deferred_fields(struct odict *o, const struct cpm_event *ev,
			   size_t max)
{
	int err = 0;

	if (strlen(ev->account) < max)
		err = show_str(o, "account", ev->account);

	return err ? err : show_uint(o, "count", ev->u.deferred.count);
}


static int status_fields(struct odict *o, const struct cpm_event *ev)
{
	int err = show_uint(o, "id", ev->u.status.id);

	if (!err)
		err = show_str(o, "status", cpm_out_name(ev->u.status.status));
	if (!err && ev->u.status.code)
		err = show_uint(o, "code", ev->u.status.code);

	return err ? err : show_str(o, "reason", ev->u.status.reason);
}


static int progress_fields(struct odict *o, const struct cpm_event *ev)
{
	int err = show_uint(o, "id", ev->u.progress.id);

	if (!err)
		err = show_uint(o, "sent", ev->u.progress.sent);

	return err ? err : show_uint(o, "size", ev->u.progress.size);
}


static int fields(struct odict *o, const struct cpm_event *ev, size_t max)
{
	switch (ev->id) {

	case CPM_EV_MESSAGE: return message_fields(o, ev);
	case CPM_EV_SESSION: return session_fields(o, ev);
	case CPM_EV_IMDN:    return imdn_fields(o, ev);
	case CPM_EV_ERROR:   return error_fields(o, ev, max);
	case CPM_EV_EXPORT:  return export_fields(o, ev, max);
	case CPM_EV_STORE:   return store_fields(o, ev);
	case CPM_EV_COMPOSING: return composing_fields(o, ev);
	case CPM_EV_DEFERRED: return deferred_fields(o, ev, max);
	case CPM_EV_STATUS:  return status_fields(o, ev);
	case CPM_EV_PROGRESS: return progress_fields(o, ev);
	default:             return EINVAL;
	}
}


static int encode(struct mbuf *mb, const struct cpm_event *ev, size_t max)
{
	static const char *const namev[] = {
		[CPM_EV_MESSAGE] = "message",
		[CPM_EV_SESSION] = "session",
		[CPM_EV_IMDN]    = "imdn",
		[CPM_EV_ERROR]   = "error",
		[CPM_EV_EXPORT]  = "export",
		[CPM_EV_STORE]   = "store",
		[CPM_EV_COMPOSING] = "composing",
		[CPM_EV_DEFERRED] = "deferred",
		[CPM_EV_STATUS]  = "status",
		[CPM_EV_PROGRESS] = "progress",
	};
	struct re_printf pf = {print_handler, mb};
	struct odict *o = NULL;
	int err;

	mb->pos = mb->end = 0;
	err = mbuf_printf(mb, "cpm,%s,", namev[ev->id]);
	if (!err)
		err = odict_alloc(&o, 8);
	if (!err)
		err = fields(o, ev, max);
	if (!err)
		err = json_encode_odict(&pf, o);
	if (!err)
		err = mbuf_write_u8(mb, 0);

	mem_deref(o);

	return err;
}


void bus_event(const struct cpm_event *ev, void *arg)
{
	struct ua *ua = ev->account ? uag_find_aor(ev->account) : NULL;
	struct mbuf *mb = mbuf_alloc(EVENT_MAX + 1);
	size_t max = EVENT_MAX;
	int err;
	(void)arg;

	if (!mb)
		return;

	/* only the text of an error, the path of an export, or the account of
	   an announcement can be too long; the first can be shorter, the
	   others be left out */
	do {
		err = encode(mb, ev, max);
		max /= 2;
	} while (!err && mb->end > EVENT_MAX + 1 && max);

	if (!err)
		ua_event(ua, event_value(), NULL, "%s",
			 (const char *)mb->buf);
	if (ev->id == CPM_EV_ERROR)
		warning("cpm: %s: %s\n", ev->u.error.what, ev->u.error.text);
	if (ev->id == CPM_EV_SESSION && ev->u.session.reason)
		warning("cpm: session %u: %s%s\n", ev->u.session.session,
			ev->u.session.refused ? "" : "MSRP: ",
			ev->u.session.reason);
	if (ev->id == CPM_EV_STORE && ev->u.store.state == CPM_STORE_READY)
		info("cpm: the message store is open\n");

	mem_deref(mb);
}
