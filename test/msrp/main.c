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
"  -q, --quiet               send: without progress\n"
"  -h, --help                this text\n"
"\n"
"Files are named message-1.txt and so on, never by what the other side says,\n"
"and are readable by you only. When the connection breaks, recv keeps what is\n"
"there; msrp send --msgid ID --from N goes on behind it on the next path.\n"
"\n"
"Example: msrp recv -o inbox in one terminal, and with what it prints\n"
"  msrp send 'msrp://127.0.0.1:34567/6b8f;tcp' photo.jpg -t image/jpeg\n"
"in another. The status is 0 if all of it was acknowledged.\n";

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
	case 'q': o->quiet = true; break;
	default:  return EINVAL;
	}

	if (err)
		fprintf(stderr, "msrp: -%c: cannot be %s\n", c, arg);

	return err;
}


static int opts_decode(struct opts *o, int argc, char *argv[])
{
	int c;

	while ((c = getopt_long(argc, argv, "l:o:n:1t:i:f:z:sqh", optionv,
				NULL)) >= 0) {
		if (c == 'h') {
			fputs(usage_text, stdout);
			exit(0);
		}
		if (opt_decode(o, c, optarg))
			return EINVAL;
	}

	return 0;
}


static int run(const struct opts *o, bool send)
{
	const struct msrp_conf conf = {
		.laddr = o->laddr,
		.max_size = INT64_MAX,
	};
	struct msrp *msrp = NULL;
	int status = 1;

	if (libre_init() || msrp_alloc(&msrp, &conf))
		fprintf(stderr, "msrp: cannot start\n");
	else
		status = send ? send_run(msrp, o) : recv_run(msrp, o);

	mem_deref(msrp);
	libre_close();
	tmr_debug();
	mem_debug();

	return status;
}


int main(int argc, char *argv[])
{
	struct opts o = {.sessions = 1, .type = "application/octet-stream"};
	const bool send = argc > 1 && !strcmp(argv[1], "send");

	if (argc > 1 && !strcmp(argv[1], "--help")) {
		fputs(usage_text, stdout);
		return 0;
	}
	if (!send && (argc < 2 || strcmp(argv[1], "recv"))) {
		fputs("msrp: say recv or send; msrp --help tells more\n",
		      stderr);
		return 2;
	}

	setvbuf(stdout, NULL, _IOLBF, 0);
	sa_init(&o.laddr, AF_UNSPEC);
	if (opts_decode(&o, argc - 1, argv + 1))
		return 2;

	argc -= optind + 1;
	argv += optind + 1;
	if (argc != (send ? 2 : 0)) {
		fputs(send ? "msrp: send wants a path and a file\n" :
		      "msrp: recv takes options only\n", stderr);
		return 2;
	}
	if (send) {
		o.path = argv[0];
		o.file = argv[1];
	}
	else if (!sa_isset(&o.laddr, SA_ADDR)) {
		(void)sa_set_str(&o.laddr, "127.0.0.1", 0);
	}

	return run(&o, send);
}
