/**
 * @file main.c  A small OMA CPM Participating Function: options and wiring
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include "net.h"


enum {
	HASH_SIZE  = 1024,   /* a transaction over UDP stays for 32 s      */
	PORT_TRIES = 50,     /* the system's UDP port may be taken in TCP   */
};

#define ALLOW "INVITE,ACK,CANCEL,BYE,UPDATE,MESSAGE,OPTIONS,REGISTER"


static const char usage_text[] =
"pf: a small OMA CPM Participating Function for tests and demonstrations\n"
"\n"
"It registers users, keeps messages for those who are away, delivers them\n"
"over SIP and MSRP when they come back, and collects the disposition\n"
"notifications that they send. Commands come on standard input, one a line\n"
"(\"help\" lists them); events go to standard output, one a line.\n"
"\n"
"  -l, --listen ADDR[:PORT]   SIP over UDP and TCP; 127.0.0.1, port 0 is one\n"
"                             that the system chooses; IPv6 as [::1]:0\n"
"  -d, --db FILE              database; default: in memory\n"
"  -D, --domain NAME          SIP domain and realm; default: the address\n"
"  -u, --user NAME:PASSWORD   an account (repeat)\n"
"  -c, --core URI             a SIP core in front: our requests go to it,\n"
"                             its REGISTERs are third-party registrations,\n"
"                             and its requests are trusted\n"
"  -R, --relay URI            an MSRP relay of ours, msrp[s]://ADDR:PORT;tcp\n"
"  -U, --relay-user NAME      who we are to it\n"
"  -P, --relay-pass PASSWORD\n"
"  -s, --setup WHICH          a=setup of our offers: actpass (default),\n"
"                             passive, active, none\n"
"  -T, --tls                  MSRP over TLS, with a self-signed certificate\n"
"  -C, --cert FILE            with that of this file (PEM, with its key)\n"
"  -H, --host NAME            host in our MSRP paths; default: the address\n"
"  -w, --window N             messages on their way without their 200 (1)\n"
"  -k, --chunk N              octets of CPIM in one MSRP chunk (2048)\n"
"  -W, --way WAY              how messages are delivered (session), see below\n"
"  -a, --announce HOW[,LIST]  how a user is told what waits to be fetched:\n"
"                             message (default) or notify; with none, text,\n"
"                             summary, xml (default: a list of all), news\n"
"                             (of what came since)\n"
"  -i, --imdn WHICH           notifications for a user who is away are kept:\n"
"                             apart (sessions of their own) or mixed with\n"
"                             messages; default: off, only collected\n"
"  -I, --pass-imdn            those for a user who is here: passed on\n"
"  -K, --keep                 what users send each other is handed on, see\n"
"                             below\n"
"  -p, --patience MS          until who is here but silent counts as away\n"
"                             (8000)\n"
"  -f, --fault NAME[=ARG]     do something wrong (repeat), see below\n"
"  -A, --no-auth              do not challenge anything\n"
"  -v, --verbose              SIP trace on standard error\n"
"  -h, --help                 this text\n"
"\n"
"Example: pf -D cpm.test -u alice:secret, let a softphone register as\n"
"sip:alice@cpm.test at the address of the \"ready\" line, and type\n"
"  leave from=sip:bob@cpm.test to=sip:alice@cpm.test text=Hello Alice\n"
"\n"
"Ways, of a message (leave), of a user (way to=URI), or of all:\n"
"  page     a MESSAGE each; those of a sender one after another\n"
"  large    an INVITE tagged largemsg each\n"
"  inline   the first message is in the INVITE, the others come over MSRP\n"
"  all      all of a user in one INVITE tagged deferred, whoever wrote\n"
"  session  an INVITE tagged session for each conversation\n"
"  pull     announced, and fetched by the client\n"
"  auto     few (3) short texts of a conversation: page; one that is long, or\n"
"           a file: large; else session\n"
"A MESSAGE is kept until its 2xx; what else is answered waits for the next\n"
"REGISTER or for Retry-After, unless it is final (400, 415 ...: \"dropped\").\n"
"\n"
"With --keep users send each other MESSAGEs, sessions and large messages,\n"
"and call each other. Who is registered gets it by himself (\"proxied\"). For\n"
"who is not, answers 408, 480 or 5xx, or is silent, messages are taken\n"
"(\"kept\"): 202 to a MESSAGE, and 200 to each one of a session, leave when\n"
"they are on the disk. He gets them when he is back, by the way that they\n"
"came, notifications as well; a session that we took for him ends then. What\n"
"a core (--core) sends is for users who are away. Nothing is looked at twice:\n"
"what comes again is kept again.\n"
"\n"
"Generated text (size=N) is made of lines of 31 octets, each with a running\n"
"number and characters of 1, 2 and 3 octets; full stops fill it up to N.\n"
"\n"
"Faults:\n";


static void signal_handler(int sig)
{
	(void)sig;
	re_cancel();
}


static void trace_handler(bool tx, enum sip_transp tp, const struct sa *src,
			  const struct sa *dst, const uint8_t *pkt, size_t len,
			  void *arg)
{
	(void)arg;
	(void)re_fprintf(stderr, "%s %s %J -> %J\n%b\n", tx ? "TX" : "RX",
			 sip_transp_name(tp), src, dst, pkt, len);
}


/** The request comes from the core in front of us */
bool pf_from_core(const struct pf *pf, const struct sip_msg *msg)
{
	if (!sa_isset(&pf->core, SA_ALL))
		return false;

	/* over TCP its own port is known from Via only */
	return sa_cmp(&msg->src, &pf->core, SA_ALL) ||
		(sa_cmp(&msg->src, &pf->core, SA_ADDR) &&
		 msg->tp != SIP_TRANSP_UDP &&
		 sa_cmp(&msg->via.addr, &pf->core, SA_ALL));
}


static bool request_handler(const struct sip_msg *msg, void *arg)
{
	struct pf *pf = arg;

	if (pl_isset(&msg->to.tag) && pf->opt.network && proxy_dialog(pf, msg))
		return true;

	if (!pl_strcmp(&msg->met, "REGISTER"))
		registrar_recv(pf, msg);
	else if (!pl_strcmp(&msg->met, "MESSAGE"))
		page_recv(pf, msg);
	else if (!pl_strcmp(&msg->met, "OPTIONS"))
		(void)sip_treplyf(NULL, NULL, pf->sip, msg, false, 200, "OK",
				  "Allow: " ALLOW "\r\n"
				  "Accept: application/sdp,message/cpim\r\n"
				  "Content-Length: 0\r\n"
				  "\r\n");
	else if (pl_isset(&msg->to.tag) && dialog_recv(pf, msg))
		return true;
	else if (!pl_strcmp(&msg->met, "ACK"))
		return true;
	else if (!pl_strcmp(&msg->met, "CANCEL"))
		return false;
	else if (pull_is(msg))
		pull_recv(pf, msg);
	else if (!pl_strcmp(&msg->met, "INVITE") && pf->opt.network)
		hand_invite(pf, msg);
	else if (!pl_strcmp(&msg->met, "INVITE"))
		(void)sip_treply(NULL, pf->sip, msg, 480,
				 "Temporarily Unavailable");
	else
		(void)sip_treplyf(NULL, NULL, pf->sip, msg, false, 405,
				  "Method Not Allowed",
				  "Allow: " ALLOW "\r\n"
				  "Content-Length: 0\r\n"
				  "\r\n");

	return true;
}


static bool response_handler(const struct sip_msg *msg, void *arg)
{
	return dialog_resp_recv(arg, msg);
}


/* UDP and TCP on one port */
static int transp_add(struct pf *pf, const struct sa *want)
{
	struct sa sa = *want;
	int i, err = EADDRINUSE;

	for (i = 0; i < PORT_TRIES && err == EADDRINUSE; i++) {
		sip_transp_flush(pf->sip);
		err = sip_transp_add(pf->sip, SIP_TRANSP_UDP, want);
		if (err)
			return err;
		err = sip_transp_laddr(pf->sip, &sa, SIP_TRANSP_UDP, want);
		if (err)
			return err;
		err = sip_transp_add(pf->sip, SIP_TRANSP_TCP, &sa);
		if (sa_port(want))
			break;
	}

	pf->laddr = sa;
	return err;
}


static int addr_decode(struct sa *sa, const char *str)
{
	return sa_decode(sa, str, strlen(str)) ? sa_set_str(sa, str, 0) : 0;
}


static int core_decode(struct sa *sa, const char *str)
{
	struct uri uri;
	struct pl pl;

	pl_set_str(&pl, str);
	if (uri_decode(&uri, &pl))
		return EINVAL;

	return sa_set(sa, &uri.host, uri.port ? uri.port : SIP_PORT);
}


static int sip_start(struct pf *pf)
{
	struct sa sa;
	int err;

	err = addr_decode(&sa, pf->opt.listen);
	if (!err && pf->opt.core)
		err = core_decode(&pf->core, pf->opt.core);
	if (err)
		return err;

	err = sip_alloc(&pf->sip, NULL, HASH_SIZE, HASH_SIZE, HASH_SIZE,
			"cpm-pf", NULL, NULL);
	if (err)
		return err;
	if (pf->opt.verbose)
		sip_set_trace_handler(pf->sip, trace_handler);

	err = transp_add(pf, &sa);
	if (!err)
		err = sip_listen(&pf->lsnr_req, pf->sip, true,
				 request_handler, pf);
	if (!err)
		err = sip_listen(&pf->lsnr_resp, pf->sip, false,
				 response_handler, pf);
	return err;
}


static int domain_set(struct pf *pf)
{
	struct sa sa;
	int err = addr_decode(&sa, pf->opt.listen);

	if (pf->opt.domain)
		return str_dup(&pf->domain, pf->opt.domain);
	if (err)
		return err;

	return re_sdprintf(&pf->domain,
			   sa_af(&sa) == AF_INET6 ? "[%j]" : "%j", &sa);
}


static int users_add(struct pf *pf, char *const userv[], size_t userc)
{
	size_t i;
	int err = 0;

	for (i = 0; i < userc && !err; i++) {
		char *pass = strchr(userv[i], ':');

		if (!pass || pass == userv[i]) {
			(void)fprintf(stderr, "pf: --user %s: not of the form "
				      "NAME:PASSWORD\n", userv[i]);
			return EINVAL;
		}
		*pass = '\0';
		err = user_add(NULL, pf, userv[i], pass + 1);
	}

	return err;
}


static const struct option longopts[] = {
	{"listen",  required_argument, NULL, 'l'},
	{"db",      required_argument, NULL, 'd'},
	{"domain",  required_argument, NULL, 'D'},
	{"user",    required_argument, NULL, 'u'},
	{"core",    required_argument, NULL, 'c'},
	{"relay",   required_argument, NULL, 'R'},
	{"relay-user", required_argument, NULL, 'U'},
	{"relay-pass", required_argument, NULL, 'P'},
	{"setup",   required_argument, NULL, 's'},
	{"window",  required_argument, NULL, 'w'},
	{"chunk",   required_argument, NULL, 'k'},
	{"way",     required_argument, NULL, 'W'},
	{"announce", required_argument, NULL, 'a'},
	{"imdn",    required_argument, NULL, 'i'},
	{"pass-imdn", no_argument,     NULL, 'I'},
	{"keep",    no_argument,       NULL, 'K'},
	{"patience", required_argument, NULL, 'p'},
	{"fault",   required_argument, NULL, 'f'},
	{"no-auth", no_argument,       NULL, 'A'},
	{"tls",     no_argument,       NULL, 'T'},
	{"cert",    required_argument, NULL, 'C'},
	{"host",    required_argument, NULL, 'H'},
	{"verbose", no_argument,       NULL, 'v'},
	{"help",    no_argument,       NULL, 'h'},
	{NULL, 0, NULL, 0}
};


static int number_set(uint32_t *np, const char *str)
{
	char *end;
	const unsigned long n = strtoul(str, &end, 10);

	if (!*str || *end || !n || n > UINT32_MAX)
		return EINVAL;

	*np = (uint32_t)n;
	return 0;
}


static int setup_set(char setup[16], const char *str)
{
	if (strcmp(str, "actpass") && strcmp(str, "passive") &&
	    strcmp(str, "active") && strcmp(str, "none"))
		return EINVAL;

	str_ncpy(setup, str, 16);
	return 0;
}


static int way_set(enum way *wayp, const char *str)
{
	struct pl pl;

	pl_set_str(&pl, str);
	*wayp = way_find(&pl);

	return *wayp ? 0 : EINVAL;
}


static int option_set(struct pf *pf, int c, char *arg)
{
	struct options *opt = &pf->opt;
	struct pl pl;

	pl_set_str(&pl, arg);
	switch (c) {

	case 'l': opt->listen = arg; return 0;
	case 'd': opt->db = arg;     return 0;
	case 'D': opt->domain = arg; return 0;
	case 'c': opt->core = arg;   return 0;
	case 'R': opt->relay = arg;      return 0;
	case 'U': opt->relay_user = arg; return 0;
	case 'P': opt->relay_pass = arg; return 0;
	case 's': return setup_set(opt->setup, arg);
	case 'w': return number_set(&opt->window, arg);
	case 'k': return number_set(&opt->chunk, arg);
	case 'W': return way_set(&opt->way, arg);
	case 'a': return announce_args(&opt->ann, &pl);
	case 'i': return notice_args(&opt->notices, &pl);
	case 'I': opt->pass = true;    return 0;
	case 'K': opt->network = true; return 0;
	case 'p': return number_set(&opt->patience, arg);
	case 'f': return fault_set(&pf->faults, arg);
	case 'A': opt->noauth = true;  return 0;
	case 'T': opt->tls = true;     return 0;
	case 'C': opt->cert = arg;     return 0;
	case 'H': opt->host = arg;     return 0;
	case 'v': opt->verbose = true; return 0;
	default:  return ENOSYS;
	}
}


/* @param userv Room for argc; filled with the accounts.
   @return 0; ECANCELED: help was asked for; EINVAL */
static int options_read(struct pf *pf, char *userv[], size_t *userc, int argc,
			char *argv[])
{
	int c, err;

	while ((c = getopt_long(argc, argv,
				"l:d:D:u:c:R:U:P:s:w:k:W:a:i:IKp:f:ATC:H:vh",
				longopts, NULL)) >= 0) {
		if (c == 'h') {
			(void)fputs(usage_text, stdout);
			fault_help(stdout);
			return ECANCELED;
		}
		if (c == 'u') {
			userv[(*userc)++] = optarg;
			continue;
		}
		err = option_set(pf, c, optarg);
		if (err == EINVAL)
			(void)fprintf(stderr, "pf: -%c %s: not a value for "
				      "this option, see --help\n", c, optarg);
		if (err)
			return EINVAL;
	}

	if (optind == argc)
		return 0;

	(void)fprintf(stderr, "pf: %s: what is this? See --help\n",
		      argv[optind]);
	return EINVAL;
}


static int pf_start(struct pf *pf, char *const userv[], size_t userc)
{
	char addr[64];
	int err;

	err = domain_set(pf);
	if (!err)
		err = users_add(pf, userv, userc);
	if (!err)
		err = keep_open(&pf->keep, pf->opt.db, pf->opt.network);
	if (!err)
		err = sip_start(pf);
	if (!err)
		err = secure_open(pf);
	if (!err)
		err = msrp_listen(pf);
	if (!err)
		err = relay_init(pf);
	if (err)
		return err;

	(void)re_snprintf(addr, sizeof(addr), "%J", &pf->laddr);
	event("ready sip=%s msrp=%u domain=%s", addr,
	      (unsigned)sa_port(&pf->maddr), pf->domain);
	expire_sweep(pf);
	return cmd_listen(pf);
}


static void pf_close(struct pf *pf)
{
	struct le *le;

	/* say goodbye, and do not wait for an answer */
	for (le = list_head(&pf->sessl); le; le = le->next) {
		struct session *sess = le->data;

		if (sess->state < SESS_DRAINING)
			dialog_bye(sess, NULL);
	}

	proxy_close(pf);
	uas_close(pf);
	cmd_close(pf);
	tmr_cancel(&pf->tmr_expire);
	list_flush(&pf->userl);
	list_flush(&pf->connl);
	mem_deref(pf->ts);
	mem_deref(pf->tls_relay);
	mem_deref(pf->tls);
	mem_deref(pf->lsnr_req);
	mem_deref(pf->lsnr_resp);
	sip_close(pf->sip, true);
	mem_deref(pf->sip);
	mem_deref(pf->keep);
	mem_deref(pf->domain);
}


int main(int argc, char *argv[])
{
	struct pf pf = {
		.opt = {.listen = "127.0.0.1", .setup = "actpass",
			.window = 1, .chunk = 2048, .relay_user = "pf",
			.relay_pass = "secret", .way = WAY_SESSION,
				.few = 3, .patience = 8000,
				.ann = {.list = ANN_XML}},
		.auto_on = true,
	};
	char **userv = calloc((size_t)argc, sizeof(*userv));
	size_t userc = 0;
	int err;

	if (!userv)
		return 1;

	err = options_read(&pf, userv, &userc, argc, argv);
	if (err) {
		free(userv);
		return err == ECANCELED ? 0 : 2;
	}

	(void)signal(SIGPIPE, SIG_IGN);
	err = libre_init();
	if (err) {
		free(userv);
		return 1;
	}
	pf.secret = rand_u64();

	err = pf_start(&pf, userv, userc);
	if (!err && !pf.quit)
		err = re_main(signal_handler);
	if (err)
		(void)fprintf(stderr, "pf: %s\n", strerror(err));

	pf_close(&pf);
	free(userv);
	tmr_debug();
	libre_close();
	mem_debug();

	return err ? 1 : 0;
}
