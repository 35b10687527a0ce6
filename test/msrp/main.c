/**
 * @file main.c  msrp: options and wiring
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include "prog.h"


enum {
	SESSIONS_MAX = 1000,  /* that wait at a time: each has a line       */
};


static const char usage_text[] =
"msrp: send and receive over MSRP (RFC 4975), the library alone\n"
"\n"
"  msrp recv [options]            prints a path and waits for who has it\n"
"  msrp send [options] PATH FILE  sends a file there; - is standard input\n"
"  msrp show -c FILE              prints the fingerprint of a certificate\n"
"\n"
"  -l, --listen ADDR[:PORT]  own address; 127.0.0.1, port 0 is one that the\n"
"                            system chooses; IPv6 as [::1]:0\n"
"  -o, --out FOLDER          recv: messages become files in it. Without it\n"
"                            short texts are shown, the rest thrown away\n"
"  -n, --sessions N          recv: paths that wait at a time (1); one that\n"
"                            was used is followed by a fresh one\n"
"  -1, --once                recv: no fresh ones; ends with the last session\n"
"  -t, --type TYPE           send: Content-Type; application/octet-stream\n"
"  -i, --msgid ID            send: Message-ID, to go on with a message\n"
"  -f, --from N              send: octets that the other side has of it\n"
"  -z, --size N              send: octets that standard input will have, to\n"
"                            send them as they come\n"
"  -s, --sdp                 recv: prints an SDP offer besides;\n"
"                            send: PATH is a file with one, prints the answer\n"
"  -T, --tls                 recv: paths of msrps\n"
"  -c, --cert FILE           own certificate and its key (PEM); fresh ones\n"
"  -p, --peer FINGERPRINT    of the other side's certificate: no other passes\n"
"  -a, --ca FILE             send: certificates (PEM) that vouch for the\n"
"                            other side's host\n"
"  -q, --quiet               send: without progress\n"
"  -h, --help                this text\n"
"\n"
"Files are named message-1.txt and so on, never by what the other side says,\n"
"and are readable by you only. When the connection breaks, recv keeps what is\n"
"there; msrp send --msgid ID --from N goes on behind it on the next path.\n"
"\n"
"Example: msrp recv -o inbox in one terminal, and with what it prints\n"
"  msrp send 'msrp://127.0.0.1:34567/6b8f;tcp' photo.jpg -t image/jpeg\n"
"in another. With TLS both sides look at the other's certificate: by --peer,\n"
"send also by --ca, or by the fingerprint in the offer.\n"
"The status is 0 if all of it was acknowledged.\n";

static const struct option optionv[] = {
	{"listen",   required_argument, NULL, 'l'},
	{"out",      required_argument, NULL, 'o'},
	{"sessions", required_argument, NULL, 'n'},
	{"once",     no_argument,       NULL, '1'},
	{"type",     required_argument, NULL, 't'},
	{"msgid",    required_argument, NULL, 'i'},
	{"from",     required_argument, NULL, 'f'},
	{"size",     required_argument, NULL, 'z'},
	{"sdp",      no_argument,       NULL, 's'},
	{"tls",      no_argument,       NULL, 'T'},
	{"cert",     required_argument, NULL, 'c'},
	{"peer",     required_argument, NULL, 'p'},
	{"ca",       required_argument, NULL, 'a'},
	{"quiet",    no_argument,       NULL, 'q'},
	{"help",     no_argument,       NULL, 'h'},
	{NULL,       0,                 NULL, 0},
};


void signal_handler(int sig)
{
	(void)sig;
	re_cancel();
}


/* ADDR, or ADDR:PORT */
static int addr_decode(struct sa *sa, const char *str)
{
	if (!sa_decode(sa, str, strlen(str)))
		return 0;

	return sa_set_str(sa, str, 0);
}


static int num_decode(uint64_t *nump, const char *str, uint64_t max)
{
	char *end;

	errno = 0;
	*nump = strtoull(str, &end, 10);
	if (*end || end == str || errno || *str == '-' || *nump > max)
		return EINVAL;

	return 0;
}


static int opt_decode(struct opts *o, int c, const char *arg)
{
	uint64_t num;
	int err = 0;

	switch (c) {

	case 'l': err = addr_decode(&o->laddr, arg); break;
	case 'o': o->out = arg; break;
	case 'n':
		err = num_decode(&num, arg, SESSIONS_MAX);
		if (!err && !num)
			err = EINVAL;
		o->sessions = (unsigned)num;
		break;
	case '1': o->once = true; break;
	case 't': o->type = arg; break;
	case 'i':
		o->msgid = arg;
		err = text_is_id(arg) ? 0 : EINVAL;
		break;
	case 'f': err = num_decode(&o->from, arg, INT64_MAX); break;
	case 'z': err = num_decode(&o->size, arg, INT64_MAX); break;
	case 's': o->sdp = true; break;
	case 'T': o->tls = true; break;
	case 'c': o->cert = arg; break;
	case 'p': o->peer = arg; break;
	case 'a': o->ca = arg; break;
	case 'q': o->quiet = true; break;
	default:  return EINVAL;
	}

	if (err)
		fprintf(stderr, "msrp: -%c: cannot be %s\n", c, arg);

	return err;
}


static int opts_decode(struct opts *o, int argc, char *argv[])
{
	static const char shortv[] = "l:o:n:1t:i:f:z:sTc:p:a:qh";
	int c;

	while ((c = getopt_long(argc, argv, shortv, optionv, NULL)) >= 0) {
		if (c == 'h') {
			fputs(usage_text, stdout);
			exit(0);
		}
		if (opt_decode(o, c, optarg))
			return EINVAL;
	}

	return 0;
}


static int tls_make(struct tls **tlsp, const struct opts *o)
{
	int err = msrp_tls_alloc(tlsp, o->cert);

	if (err)
		fprintf(stderr, "msrp: %s: %s\n", o->cert ? o->cert :
			"certificate", strerror(err));
	else if (o->ca && tls_add_ca(*tlsp, o->ca)) {
		fprintf(stderr, "msrp: %s: no certificates\n", o->ca);
		err = EBADMSG;
	}

	return err;
}


static int show_run(const struct msrp *msrp)
{
	char fp[MSRP_FP_SIZE];

	if (msrp_fingerprint(fp, sizeof(fp), msrp))
		return 1;

	printf("fingerprint %s\n", fp);

	return 0;
}


/* What the command is for: recv, send, show */
static int run(const struct opts *o, char what)
{
	struct msrp_conf conf = {
		.laddr = o->laddr,
		.max_size = INT64_MAX,
		.tls_verify = o->ca != NULL,
	};
	struct msrp *msrp = NULL;
	int status = 1;

	if (libre_init())
		fprintf(stderr, "msrp: cannot start\n");
	else if (tls_make(&conf.tls, o))
		;
	else if (msrp_alloc(&msrp, &conf))
		fprintf(stderr, "msrp: cannot start\n");
	else
		status = what == 's' ? send_run(msrp, o) :
			what == 'r' ? recv_run(msrp, o) : show_run(msrp);

	mem_deref(msrp);
	mem_deref(conf.tls);
	libre_close();
	tmr_debug();
	mem_debug();

	return status;
}


/* @return what is left of the command line after the options, or -1 */
static int command_decode(struct opts *o, char *what, int argc, char *argv[])
{
	if (argc < 2 || (strcmp(argv[1], "recv") && strcmp(argv[1], "send") &&
			 strcmp(argv[1], "show"))) {
		fputs("msrp: say recv, send or show; msrp --help tells more\n",
		      stderr);
		return -1;
	}

	*what = strcmp(argv[1], "show") ? argv[1][0] : 'f';
	if (opts_decode(o, argc - 1, argv + 1))
		return -1;

	argc -= optind + 1;
	if (argc != (*what == 's' ? 2 : 0)) {
		fprintf(stderr, *what == 's' ? "msrp: send wants a path and "
			"a file\n" : "msrp: %s takes options only\n",
			argv[1]);
		return -1;
	}

	return optind + 1;
}


int main(int argc, char *argv[])
{
	struct opts o = {.sessions = 1, .type = "application/octet-stream"};
	char what;
	int i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	sa_init(&o.laddr, AF_UNSPEC);
	if (argc > 1 && !strcmp(argv[1], "--help")) {
		fputs(usage_text, stdout);
		return 0;
	}

	i = command_decode(&o, &what, argc, argv);
	if (i < 0)
		return 2;

	if (o.tls && !o.peer) {
		fputs("msrp: --tls wants --peer: else nobody could connect\n",
		      stderr);
		return 2;
	}
	if (what == 's') {
		o.path = argv[i];
		o.file = argv[i + 1];
	}
	else if (!sa_isset(&o.laddr, SA_ADDR)) {
		(void)sa_set_str(&o.laddr, "127.0.0.1", 0);
	}

	return run(&o, what);
}
