/**
 * @file module.c  Wiring: configuration, the host's handlers, init and close
 *
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Load it with "module cpm.so", above the modules that listen for MESSAGE.
 *
 * Commands: cpm_status, cpm_conversations, cpm_messages, cpm_message,
 * cpm_display, cpm_imdn, cpm_policy, cpm_sessions, cpm_accept, cpm_decline,
 * cpm_close, cpm_delete, cpm_export, cpm_composing, cpm_deferred, cpm_pull,
 * cpm_send, cpm_draft, cpm_cancel. Each takes a JSON object or words; see
 * README.md.
 *
 * Configuration:
 \verbatim
  cpm_db              <folder>/cpm.db   # default: cpm/cpm.db in the
                                        # configuration folder
  cpm_deferred        accept            # accept, decline or ask
  cpm_chat            accept            # likewise: who wants to talk now
  cpm_ask_timeout     60                # seconds
  cpm_delivery_imdn   yes
  cpm_display_imdn    yes
  cpm_register        yes               # its REGISTER has the CPM tags
  cpm_listen          any:0             # where MSRP listens when passive
  cpm_msrp            auto              # auto, tcp or tls
  cpm_trust           proxy             # proxy or any
  cpm_tls_cert        <file>            # PEM; default: self-signed, fresh
  cpm_tls_cafile      <file>            # PEM; default: none
  cpm_max_size        100000000         # octets of a message
  cpm_page_limit      1300              # octets of a text in a SIP MESSAGE
  cpm_quota           0                 # octets an account may keep, 0: any
  cpm_disk_reserve    50000000          # octets that stay free on the disk
  cpm_idle_timeout    300               # seconds
  cpm_stall_timeout   30                # seconds
  cpm_max_sessions    768               # at once
  cpm_peer_sessions   16                # of one sender
  cpm_keep_days       0                 # days; 0: for ever
  cpm_deferred_uri    sip:pf@example.net  # default: the account's own
  cpm_auto_pull       no
  cpm_relay           msrps://relay.example.net:2855;tcp  # default: none
  cpm_relay_user      alice             # default: as the account
  cpm_relay_pass      secret
 \endverbatim
 */
#include <ctype.h>
#include <string.h>
#include "glue.h"


enum {
	PATH_SIZE = 1024,
	ASK_MAX   = 3600,     /* s: a PF does not wait longer for a 200      */
	IDLE_MAX  = 86400,    /* s                                           */
	STALL_MAX = 3600,     /* s                                           */
	KEEP_MAX  = 36500,    /* days: a hundred years                       */
	FDS_SPARE = 256,      /* descriptors that are not for MSRP: calls,
			         SIP, files                                  */
};

static const uint64_t size_max = 1ULL << 40;  /* fits every file system */

static struct cpm *cpm;
/* static: libre clears them through their addresses when the softphone closes
   first */
static struct sip_lsnr *lsnr;
static struct sip_lsnr *resp_lsnr;


/*
 * Configuration
 */

static int bad(const char *key, const struct pl *val, const char *want)
{
	warning("cpm: %s: \"%r\" is wrong, it must be %s\n", key, val, want);

	return EINVAL;
}


static int get_bool(bool *dst, const char *key)
{
	struct pl val;

	if (conf_get(conf_cur(), key, &val))
		return 0;

	if (!pl_strcasecmp(&val, "yes") || !pl_strcasecmp(&val, "true"))
		*dst = true;
	else if (!pl_strcasecmp(&val, "no") || !pl_strcasecmp(&val, "false"))
		*dst = false;
	else
		return bad(key, &val, "yes or no");

	return 0;
}


static int get_num(uint64_t *dst, const char *key, uint64_t min, uint64_t max)
{
	char want[64];
	struct pl val;
	size_t i;

	if (conf_get(conf_cur(), key, &val))
		return 0;

	(void)re_snprintf(want, sizeof(want), "a number from %llu to %llu",
			  min, max);

	for (i=0; i<val.l; i++) {
		if (val.p[i] < '0' || val.p[i] > '9')
			return bad(key, &val, want);
	}
	if (val.l > 15 || pl_u64(&val) < min || pl_u64(&val) > max)
		return bad(key, &val, want);

	*dst = pl_u64(&val);

	return 0;
}


static int get_answer(enum cpm_answer *dst, const char *key)
{
	struct pl val;

	if (conf_get(conf_cur(), key, &val))
		return 0;

	if (!pl_strcasecmp(&val, "accept"))
		*dst = CPM_ANSWER_ACCEPT;
	else if (!pl_strcasecmp(&val, "decline"))
		*dst = CPM_ANSWER_DECLINE;
	else if (!pl_strcasecmp(&val, "ask"))
		*dst = CPM_ANSWER_ASK;
	else
		return bad(key, &val, "accept, decline or ask");

	return 0;
}


static int get_listen(struct sa *dst, const char *key)
{
	struct pl val, port;

	if (conf_get(conf_cur(), key, &val))
		return 0;

	if (!re_regex(val.p, val.l, "any:[0-9]+", &port) &&
	    pl_u32(&port) <= 65535) {
		sa_init(dst, AF_UNSPEC);
		sa_set_port(dst, (uint16_t)pl_u32(&port));
		return 0;
	}

	if (sa_decode(dst, val.p, val.l))
		return bad(key, &val, "any:PORT, ADDRESS:PORT or "
			   "[ADDRESS]:PORT");

	return 0;
}


static int get_path(char *path, size_t size)
{
	char folder[PATH_SIZE];
	struct pl val;
	int err;

	if (!conf_get(conf_cur(), "cpm_db", &val)) {
		if (val.l < size)
			return pl_strcpy(&val, path, size);
		return bad("cpm_db", &val, "a path of less than 1024 octets");
	}

	err = conf_path_get(folder, sizeof(folder));
	if (err)
		return err;

	return re_snprintf(path, size, "%s/cpm/cpm.db", folder) < 0 ? ENOMEM
		: 0;
}


/* Those of 32 bits. What is not set stays as it is */
static int get_nums(struct cpm_conf *conf)
{
	const struct {
		const char *key;
		uint32_t *dst;
		uint32_t min, max;
	} v[] = {
		{"cpm_ask_timeout", &conf->ask_timeout, 1, ASK_MAX},
		{"cpm_idle_timeout", &conf->idle_timeout, 1, IDLE_MAX},
		{"cpm_stall_timeout", &conf->stall_timeout, 1, STALL_MAX},
		{"cpm_page_limit", &conf->page_limit, 0, CPM_PAGE_MOST},
		{"cpm_max_sessions", &conf->max_sessions, 1,
		 CPM_SESSION_MAX},
		{"cpm_peer_sessions", &conf->peer_sessions, 1,
		 CPM_SESSION_MAX},
		{"cpm_keep_days", &conf->keep_days, 0, KEEP_MAX},
	};
	size_t i;

	for (i=0; i<ARRAY_SIZE(v); i++) {
		uint64_t num = *v[i].dst;
		const int err = get_num(&num, v[i].key, v[i].min, v[i].max);

		if (err)
			return err;
		*v[i].dst = (uint32_t)num;
	}

	return 0;
}


static void defaults(struct cpm_conf *conf)
{
	conf->deferred       = CPM_ANSWER_ACCEPT;
	conf->chat           = CPM_ANSWER_ACCEPT;
	conf->delivery_imdn  = true;
	conf->display_imdn   = true;
	conf->max_size       = 100000000;
	conf->limits.quota   = 0;
	conf->limits.reserve = 50000000;
	conf->ask_timeout    = 60;
	conf->idle_timeout   = 300;
	conf->stall_timeout  = 30;
	conf->page_limit     = CPM_PAGE_LIMIT;
	conf->max_sessions   = CPM_SESSIONS;
	conf->peer_sessions  = CPM_PEER_SESSIONS;
	conf->keep_days      = 0;
	sa_init(&conf->listen, AF_UNSPEC);
}


static int config(struct cpm_conf *conf, char *path, size_t size)
{
	int err;

	defaults(conf);
	conf->db = path;

	err = get_path(path, size);
	if (!err)
		err = get_answer(&conf->deferred, "cpm_deferred");
	if (!err)
		err = get_answer(&conf->chat, "cpm_chat");
	if (!err)
		err = get_bool(&conf->delivery_imdn, "cpm_delivery_imdn");
	if (!err)
		err = get_bool(&conf->display_imdn, "cpm_display_imdn");
	if (!err)
		err = get_listen(&conf->listen, "cpm_listen");
	if (!err)
		err = get_num(&conf->max_size, "cpm_max_size", 1, size_max);
	if (!err)
		err = get_num(&conf->limits.quota, "cpm_quota", 0, size_max);
	if (!err)
		err = get_num(&conf->limits.reserve, "cpm_disk_reserve", 0,
			      size_max);
	if (!err)
		err = get_nums(conf);
	if (!err)
		err = get_bool(&conf->auto_pull, "cpm_auto_pull");
	if (!err)
		err = secure_config(conf);

	return err ? err : trust_config(conf);
}


/* Each session may have a connection. As many as usual fit libre's table. */
static int descriptors(const struct cpm_conf *conf)
{
	const unsigned count = conf->max_sessions + FDS_SPARE;
	int err = 0;

	if (conf->max_sessions > CPM_SESSIONS)
		err = fds_grow(count);
	if (err == EMFILE)
		warning("cpm: cpm_max_sessions: %u sessions take %u "
			"descriptors, the system allows fewer: see ulimit "
			"-Hn\n", conf->max_sessions, count);
	else if (err)
		warning("cpm: cpm_max_sessions: this libre has no room for "
			"more than %u: %m\n", CPM_SESSIONS, err);

	return err;
}


/*
 * What the engine asks of the host
 */

static bool account_fill(struct cpm_account *acc, const struct ua *ua)
{
	unsigned i;

	if (!ua)
		return false;

	register_settle();
	acc->aor        = account_aor(ua_account(ua));
	acc->cuser      = ua_cuser(ua);
	acc->outbound   = ua_outbound(ua);
	for (i=0; i<CPM_PROXIES; i++)
		acc->proxyv[i] = account_outbound(ua_account(ua), i);
	acc->regint     = account_regint(ua_account(ua));
	acc->registers  = acc->regint > 0;
	acc->registered = ua_isregistered(ua);

	return true;
}


/* alice-0x5581e0c1: the same but for the number */
static bool isformer(const struct pl *user, const char *contact)
{
	const char *end = strrchr(contact, '-');
	const size_t n = end ? (size_t)(end - contact) + 3 : 0;
	size_t i;

	if (!n || user->l <= n || memcmp(user->p, contact, n))
		return false;
	for (i=n; i<user->l; i++)
		if (!isxdigit((unsigned char)user->p[i]))
			return false;

	return true;
}


/*
 * The softphone makes up a new contact each time that it starts. Until it has
 * registered, who has something for it comes with the former one: after a
 * crash at once, and to the same port. The host's 404 would be the end of a
 * message that would be taken a moment later.
 */
static struct ua *find_former(const struct sip_msg *msg)
{
	struct ua *found = NULL;
	unsigned n = 0;
	struct le *le;

	for (le = list_head(uag_list()); le; le = le->next) {
		struct ua *ua = le->data;

		if (!isformer(&msg->uri.user, ua_local_cuser(ua)))
			continue;
		if (!pl_strcasecmp(&msg->to.auri,
				   account_aor(ua_account(ua))))
			return ua;
		found = ua;
		++n;
	}

	/* of two that are called the same it may be the other one */
	return n == 1 ? found : NULL;
}


static bool find_handler(struct cpm_account *acc, const struct sip_msg *msg,
			 void *arg)
{
	const struct ua *ua = uag_find(&msg->uri.user);
	(void)arg;

	return account_fill(acc, ua ? ua : find_former(msg));
}


static bool account_handler(struct cpm_account *acc, const char *aor,
			    void *arg)
{
	(void)arg;

	return account_fill(acc, uag_find_aor(aor));
}


static void each_handler(cpm_client_h *h, void *harg, void *arg)
{
	struct cpm_account acc;
	struct le *le;
	(void)arg;

	for (le = list_head(uag_list()); le; le = le->next) {
		memset(&acc, 0, sizeof(acc));
		if (account_fill(&acc, le->data))
			h(&acc, harg);
	}
}


static int auth_handler(char **user, char **pass, const char *realm,
			const char *aor, void *arg)
{
	struct ua *ua = uag_find_aor(aor);
	(void)arg;

	return ua ? account_auth(ua_account(ua), user, pass, realm) : ENOENT;
}


static bool dnd_handler(void *arg)
{
	(void)arg;

	return false;  /* 1.0.0 has no such state: cpm_policy decline */
}


/*
 * What the host tells
 */

static bool request_handler(const struct sip_msg *msg, void *arg)
{
	(void)arg;

	return cpm_request(cpm, msg);
}


static bool response_handler(const struct sip_msg *msg, void *arg)
{
	struct sip_msg copy;
	struct sa src;
	(void)arg;

	if (register_source(&src, msg)) {
		copy = *msg;
		copy.src = src;
		msg = &copy;
	}
	cpm_response(cpm, msg);

	return false;
}


static void event_handler(struct ua *ua, unsigned ev, struct call *call,
			  const char *prm, void *arg)
{
	const char *name = uag_event_str(ev);
	const char *aor = ua ? account_aor(ua_account(ua)) : NULL;
	(void)call;
	(void)prm;
	(void)arg;

	/* by name: the numbers differ between releases */
	register_event(ua, name);
	if (!str_cmp(name, "REGISTER_OK"))
		cpm_registered(cpm, aor);
	else if (!str_cmp(name, "SHUTDOWN"))
		cpm_shutdown(cpm, aor);
}


/*
 * The first listener that takes a message wins, and libre appends new ones.
 * Requests: ours goes behind the transaction listeners (responses, then
 * requests: sip.c makes them first) and before all others. Responses: it goes
 * before all, for libre's own takes them. libre has no call for that: the
 * list element is the first member of its private structure, which is checked
 * before it is used.
 */
static int listen_first(struct sip_lsnr **lsnrp, bool req, sip_msg_h *msgh)
{
	struct list *list;
	struct le *le;
	int err;

	err = sip_listen(lsnrp, uag_sip(), req, msgh, NULL);
	if (err)
		return err;

	le = (struct le *)(void *)*lsnrp;
	list = le->list;
	if (le->data != *lsnrp || !list || list->tail != le ||
	    list_count(list) < 3) {
		warning("cpm: the listeners of this libre are not as they "
			"should be: cannot see requests first\n");
		return ENOTSUP;
	}

	list_unlink(le);
	if (req)
		list_insert_after(list, list->head->next, le, *lsnrp);
	else
		list_prepend(list, le, *lsnrp);

	return 0;
}


static int engine_open(void)
{
	const struct cpm_host host = {
		.sip      = uag_sip(),
		.sock     = uag_sipsess_sock(),
		.findh    = find_handler,
		.accounth = account_handler,
		.authh    = auth_handler,
		.dndh     = dnd_handler,
		.eventh   = bus_event,
		.dnsch    = relay_dnsc,
		.eachh    = each_handler,
	};
	char path[PATH_SIZE], *text = NULL;
	struct relay_text rtext;
	struct pull_text ptext;
	struct cpm_conf conf;
	int err;

	memset(&conf, 0, sizeof(conf));
	err = config(&conf, path, sizeof(path));
	if (!err)
		err = relay_config(&conf, &rtext);
	if (!err)
		err = pull_config(&conf, &ptext);
	if (!err)
		err = descriptors(&conf);
	if (err) {
		mem_deref(conf.tls);
		return err;
	}

	err = cpm_alloc(&cpm, &conf, &host, &text);
	if (err)
		warning("cpm: %s: %s\n", path, text ? text : "cannot start");
	mem_deref(conf.tls);
	mem_deref(text);

	return err;
}


/* Last: what it has accounts send is heard here */
static int tags_open(void)
{
	bool on = true;
	int err = get_bool(&on, "cpm_register");

	return err || !on ? err : register_open();
}


static int module_init(void)
{
	int err;

	if (!uag_sip()) {
		warning("cpm: load it with a \"module\" line in the config, "
			"not with -m: SIP is not up yet\n");
		return ENOTSUP;
	}

	err = engine_open();
	if (!err)
		err = commands_open(cpm);
	if (!err)
		err = uag_event_register(event_handler, NULL);
	if (!err)
		err = listen_first(&lsnr, true, request_handler);
	if (!err)
		err = listen_first(&resp_lsnr, false, response_handler);
	if (!err)
		err = tags_open();
	if (!err)
		info("cpm: version " CPM_VERSION ", messages are kept in "
		     "%s\n", cpm_store_path(cpm_reader(cpm)));

	return err;
}


/* libre calls this also when module_init() failed half way */
static int module_close(void)
{
	resp_lsnr = mem_deref(resp_lsnr);
	register_close();
	lsnr = mem_deref(lsnr);
	uag_event_unregister(event_handler);
	commands_close();
	cpm_close(&cpm);

	return 0;
}


extern const struct mod_export exports;

/* unloaded with the applications: while the host's commands still exist */
__attribute__((visibility("default")))
const struct mod_export exports = {
	"cpm",
	"application",
	module_init,
	module_close,
};
