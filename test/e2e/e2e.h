/**
 * @file e2e.h  The end-to-end harness: real programs, driven and watched
 *
 * A test opens an environment, starts programs in it, talks to them and
 * closes it. Every call that waits has a limit. Whatever goes wrong ends the
 * test at once, with the last lines of every program's log. Limits are in
 * milliseconds and grow by themselves when sanitizers slow things down.
 *
 * Nothing here needs Check: the demo uses the same pieces.
 *
 * What a function returns as a string, event or dictionary belongs to the
 * environment and lives until env_close().
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef E2E_H
#define E2E_H

#include <stdarg.h>
#include <sys/types.h>
#include <cpm_re.h>

#define E2E_FMT(fmt, arg) __attribute__((format(printf, fmt, arg)))

enum {
	/* many times what it takes: a machine with much else to do, or a
	   disk that makes everybody wait, is no failure */
	E2E_SHORT = 10000,    /* something that should happen at once  */
	E2E_WAIT  = 20000,    /* something that takes a few exchanges  */
	E2E_STOP  = 20000,    /* a program that was asked to end       */
};


/* ------------------------------------------------------------- env.c --- */

struct env {
	char dir[200];        /* temporary folder, mode 0700            */
	struct list procl;    /* struct proc, in the order of their start */
	struct list keepl;    /* memory that lives as long as this       */
	struct list portl;    /* ports that are ours                     */
	uint64_t end;         /* when the test's time is over            */
	unsigned scale;       /* factor on all limits                    */
	pid_t pid;            /* the process that may clean up           */
	pid_t guard;          /* the one that does it otherwise          */
	int guard_fd;         /* its sign of our life                    */
};

typedef void (env_fail_h)(const char *text);

/**
 * Say what ends a test. Without it: text to stderr and exit(1)
 *
 * @param failh Failure handler; must not return
 */
void env_set_fail(env_fail_h *failh);

/** Open the environment; one at a time in a process. Limit: 60 seconds */
struct env *env_open(void);

/** Another limit for the whole test, counted from now */
void env_limit(struct env *env, unsigned seconds);

/**
 * Stop what runs, last started first, and remove the folder. The test fails
 * if a program had died of a signal, does not stop when asked to, or left a
 * sanitizer report.
 */
void env_close(struct env *env);

/** End the test. Shows the last lines of each program's log */
_Noreturn void e2e_fail(const char *fmt, ...) E2E_FMT(1, 2);

/** A formatted string */
char *env_str(struct env *env, const char *fmt, ...) E2E_FMT(2, 3);

/** Path of a file in the environment's folder */
char *env_path(struct env *env, const char *fmt, ...) E2E_FMT(2, 3);

/** Path of a file of test/e2e/data (CPM_E2E_DATA) */
char *env_data(struct env *env, const char *name);

/** Give an object of mem_alloc() to the environment. @return the same */
void *env_keep(struct env *env, void *mem);

/** Monotonic milliseconds */
uint64_t e2e_now(void);

/** Sleep a moment */
void e2e_sleep(unsigned ms);


/* One wait: while (wait_more(&w)) { if (there) break; }. Fails on time-out,
   and when a program died meanwhile */
struct wait {
	uint64_t end;
	unsigned turn;
	const char *what;
};

void wait_start(struct wait *w, unsigned ms, const char *what);
bool wait_more(struct wait *w);
/** The same without failing on time-out: false then */
bool wait_quiet(struct wait *w);


/* ------------------------------------------------------------- net.c --- */

/**
 * Give this process, and what it starts from now on, a network of its own:
 * the loopback, and an interface "cpm0" without an address. It ends with the
 * last process. Fails the test if the system does not allow that; call it
 * before env_open() has started anything.
 */
void net_own(void);

/** Run "ip", e.g. net_ip(env, "addr", "add", "10.0.0.2/24", "dev", "cpm0",
    NULL). The test fails if it does */
void net_ip(struct env *env, ...);


/* ----------------------------------------------------------- guard.c --- */

/** Have the folder removed if this process dies without a word */
void guard_start(struct env *env);

/** That is not needed any more */
void guard_end(struct env *env);


/* ---------------------------------------------------------- folder.c --- */

void file_write(const char *path, const char *text);
/** Whole file, NUL-terminated, mem_deref() it; NULL if it is not there */
char *file_read(const char *path, size_t *sizep);
/** The last octets of a file, whole lines; text is always terminated */
void file_tail(const char *path, char *text, size_t size);
/** The first octets of a file */
void file_head(const char *path, char *text, size_t size);
bool file_has(const char *path, const char *text);
void folder_make(const char *path);
void folder_remove(const char *path);
/** Read the template, put values for @NAME@ (NULL ends the pairs) */
void file_fill(struct env *env, const char *path, const char *from,
	       const char *const *pairv);


/* ------------------------------------------------------------ port.c --- */

/**
 * Get count neighbouring ports, free for UDP and TCP on 127.0.0.1 and ::1.
 * The TCP side stays held (bound, SO_REUSEADDR, not listening), so that
 * nobody else gets them from the system meanwhile.
 *
 * @return The first one
 */
uint16_t port_get(struct env *env, unsigned count);

/** Let go of the TCP side, for programs that bind without SO_REUSEADDR */
void port_release(struct env *env, uint16_t port);

/** Ports of this environment that others chose, for the recording */
void port_add(struct env *env, uint16_t port);

/** Capture filter for the ports so far: "port 1 or port 2" */
char *port_filter(struct env *env);


/* ------------------------------------------------------------ proc.c --- */

struct proc {
	struct le le;
	struct env *env;
	char name[40];        /* log file names come from it             */
	char log[256];        /* stdout, and stderr unless it is apart   */
	char err[256];        /* stderr when apart, else empty           */
	struct list linel;    /* lines read and not asked for yet        */
	char *part;           /* a line still without its end            */
	pid_t pid;
	int in;               /* writing end of its stdin, or -1         */
	int rfd;              /* reading end of the log                  */
	int status;           /* exit status when done                   */
	int sig;              /* signal it died of, or 0                 */
	int doom;             /* signal of ours that it may die of, or 0 */
	bool foreign;         /* not under test: may be made to end      */
	bool done;
	bool reaped;          /* until then its number stays taken       */
};

struct proc_args {
	const char *name;
	const char *const *argv;      /* NULL ends it                    */
	const char *const *envv;      /* "NAME=value" besides; NULL = none */
	const char *dir;              /* working folder; NULL = env's    */
	bool input;                   /* stdin is ours; else /dev/null   */
	bool apart;                   /* stderr in a file of its own     */
	int deathsig;                 /* if the test dies; 0 = SIGKILL   */
};

struct proc *proc_start(struct env *env, const struct proc_args *args);

/** Write a line to its stdin */
void proc_put(struct proc *p, const char *line);

/**
 * Wait for a line of its stdout that matches an extended regular expression.
 * It is taken out; lines before it stay for other calls.
 */
const char *proc_line(struct proc *p, const char *regex, unsigned ms);

/** The same, but NULL when it does not come in time */
const char *proc_try_line(struct proc *p, const char *regex, unsigned ms);

/** Forget the lines so far */
void proc_skip(struct proc *p);

/** True while it runs. Reaps it otherwise */
bool proc_alive(struct proc *p);

/** Wait for its end. @return Exit status; 128 + signal */
int proc_wait(struct proc *p, unsigned ms);

/** Send a signal that may end it */
void proc_signal(struct proc *p, int sig);

/** SIGTERM, and wait. @return as proc_wait() */
int proc_stop(struct proc *p);

/** SIGKILL to it and its children, and wait */
void proc_kill(struct proc *p);

/** SIGTERM, and SIGKILL if that does not do */
void proc_end(struct proc *p);

/** Fail if any program died of a signal that we did not send */
void proc_check(struct env *env);


/* ------------------------------------------------------------ json.c --- */

/*
 * A path is made of keys and indices joined by dots: "messages.0.text". What
 * is not there, or of another type, fails the test; ask j_has() before.
 */

bool j_has(const struct odict *o, const char *path);
int64_t j_int(const struct odict *o, const char *path);
bool j_bool(const struct odict *o, const char *path);
const char *j_str(const struct odict *o, const char *path);
/** Object or array */
const struct odict *j_obj(const struct odict *o, const char *path);
/** Members of an array or object */
unsigned j_count(const struct odict *o, const char *path);
/** Object at an index of an array */
const struct odict *j_at(const struct odict *o, const char *path, unsigned i);
/** NULL when the text is no JSON object */
struct odict *j_decode(const char *text, size_t len);
/** Text as a JSON string without its quotes */
char *j_escape(struct env *env, const char *text);


/* ------------------------------------------------------------ ctrl.c --- */

struct ctrl;

/** Connect to ctrl_tcp. @return NULL when nobody listens in time */
struct ctrl *ctrl_open(struct env *env, const char *host, uint16_t port,
		       unsigned ms);

/** Close the connection; the object stays usable for its queued events */
void ctrl_close(struct ctrl *c);

/**
 * Run a command and wait for its answer
 *
 * @param c   Connection
 * @param cmd Command
 * @param prm Parameters, or NULL
 * @param op  Answer when it is a JSON object, else NULL; may be NULL
 *
 * @return What the host says: ok
 */
bool ctrl_cmd(struct ctrl *c, const char *cmd, const char *prm,
	      const struct odict **op);

/** Run a command that must succeed and answer with a JSON object */
const struct odict *ctrl_ask(struct ctrl *c, const char *cmd,
			     const char *fmt, ...) E2E_FMT(3, 4);

/** Send a command and do not wait for its answer */
void ctrl_post(struct ctrl *c, const char *cmd, const char *prm);

/** Repeat a command until a number of its answer is what it should be */
const struct odict *ctrl_until(struct ctrl *c, const char *cmd,
			       const char *prm, const char *path,
			       int64_t value, unsigned ms);

/** Text of the last answer, as the host gave it */
const char *ctrl_data(const struct ctrl *c);

/** Wait for the next event of ours ("cpm,<name>,{..}"); others stay */
const struct odict *ctrl_event(struct ctrl *c, const char *name,
			       unsigned ms);

/** The same, but NULL when it does not come in time */
const struct odict *ctrl_try_event(struct ctrl *c, const char *name,
				   unsigned ms);

/** Wait for the next event of the host, e.g. REGISTER_OK */
const struct odict *ctrl_host_event(struct ctrl *c, const char *type,
				    unsigned ms);

/** Forget the events so far */
void ctrl_skip(struct ctrl *c);


/* --------------------------------------------------------- baresip.c --- */

struct baresip_args {
	const char *name;     /* folder and log; default "baresip"       */
	const char *accounts; /* lines of the accounts file, or NULL     */
	const char *config;   /* more lines of config, or NULL           */
	bool ipv6;            /* [::1] instead of 127.0.0.1              */
	const char *netif;    /* SIP on the address that this interface has,
				 and ctrl_tcp on 127.0.0.1; or NULL      */
	bool plain;           /* without cpm.so                          */
	bool trace;           /* SIP trace into the log (-s)             */
	const char *power;    /* folder for the notes of power.h: its folder
				 cpm is watched; NULL = not              */
	bool fails;           /* it is expected not to come up: returned
				 without ctrl                            */
};

struct baresip {
	struct env *env;
	struct baresip_args args;
	struct proc *proc;    /* of the last start                       */
	struct ctrl *ctrl;
	char dir[256];        /* its config folder                       */
	char host[16];
	char sip[64];         /* "127.0.0.1:port"                        */
	uint16_t sip_port;    /* TLS listens on the next one             */
	uint16_t ctrl_port;
	unsigned starts;
};

/** Start the stock baresip and wait until ctrl_tcp answers */
struct baresip *baresip_start(struct env *env,
			      const struct baresip_args *args);

/** Start it in the same folder, and do not wait: only to be killed */
void baresip_launch(struct baresip *b);

/** Start it again in the same folder */
void baresip_restart(struct baresip *b);

/** It ends by itself. @return Exit status */
int baresip_wait(struct baresip *b);

/** Command `quit`. @return Exit status */
int baresip_quit(struct baresip *b);

/** SIGTERM. @return Exit status */
int baresip_stop(struct baresip *b);

/** SIGKILL */
void baresip_kill(struct baresip *b);

/** Wait until every account with a registration has it */
void baresip_registered(struct baresip *b, unsigned ms);

/**
 * Line for the accounts file: password "secret", registered for 600 s
 *
 * @param outbound ADDR:PORT, over UDP, or a whole SIP URI
 * @param params   More of them, ";name=value...", or NULL
 */
char *baresip_account(struct env *env, const char *user, const char *domain,
		      const char *outbound, const char *params);


/* -------------------------------------------------------------- pf.c --- */

struct pf_event {
	char *name;
	struct pl v;          /* the fields as they came                 */
	struct env *env;
};

struct pf {
	struct env *env;
	struct proc *proc;
	char sip[64];         /* ADDR:PORT                               */
	char domain[64];
	uint16_t sip_port;
	uint16_t msrp_port;
};

/** Start the Participating Function. argv: its options, NULL ends them */
struct pf *pf_start(struct env *env, const char *const *argv);

/** Likewise. envv: at most 3 "NAME=value" besides */
struct pf *pf_start_env(struct env *env, const char *const *argv,
			const char *const envv[3]);

/** Send a command line; return when a setting is in force */
void pf_cmd(struct pf *pf, const char *fmt, ...) E2E_FMT(2, 3);

/** Wait for the next event of that name; others stay for later */
const struct pf_event *pf_event(struct pf *pf, const char *name,
				unsigned ms);

/** The same, with a field of that value */
const struct pf_event *pf_event_kv(struct pf *pf, const char *name,
				   const char *key, const char *value,
				   unsigned ms);

/** NULL when there is none in time; key and value may be NULL */
const struct pf_event *pf_try_event(struct pf *pf, const char *name,
				    const char *key, const char *value,
				    unsigned ms);

/** Command and the event it prints: stats, pending */
const struct pf_event *pf_ask(struct pf *pf, const char *fmt, ...)
	E2E_FMT(2, 3);

/** Decoded value of a field; NULL when absent */
const char *pf_str(const struct pf_event *ev, const char *key);

/** Number in a field; the test fails when it is none */
int64_t pf_int(const struct pf_event *ev, const char *key);

/** Command `quit`. @return Exit status */
int pf_quit(struct pf *pf);


/* ------------------------------------------------------------ core.c --- */

struct core {
	struct env *env;
	struct proc *proc;
	char domain[64];
	char sip[64];         /* ADDR:PORT                               */
	char uri[80];         /* sip:ADDR:PORT                           */
	uint16_t port;
	bool ipv6;
	struct proc *edge_proc;   /* of core_edge()                      */
	char edge[64];        /* its ADDR:PORT                           */
	uint16_t edge_port;
	uint16_t tls_port;    /* of core_tls(), or 0                     */
	unsigned patience;    /* ms that it waits for an answer           */
};

/** A SIP core to be: has its port, does not run. The PF wants to know it */
struct core *core_alloc(struct env *env, const char *domain, bool ipv6);

/**
 * Start Kamailio: registrar and proxy, with the PF behind it
 *
 * @param core  From core_alloc()
 * @param users "alice:secret bob:secret"
 * @param pf    Where messages for absent and foreign users go, or NULL
 */
void core_run(struct core *core, const char *users, const struct pf *pf);

/** The same with no PF but Kamailio's own store: what is for an absent user is
    kept in text files of the folder "silo", until he registers */
void core_silo(struct core *core, const char *users);

/** Have it listen for TLS as well, on core->tls_port; before core_run() */
void core_tls(struct core *core);

/**
 * Put an edge proxy before it, once it runs: clients then register at
 * core->edge, with ";sipnat=outbound" (and uuid.so) or without, while the PF
 * goes on talking to the core. Path (RFC 3327), flow tokens (RFC 5626).
 */
void core_edge(struct core *core);


/* ------------------------------------------------------------ sipp.c --- */

struct sipp_args {
	const char *scenario; /* file of test/e2e/data, or a path        */
	const char *target;   /* ADDR:PORT; NULL: it is called           */
	uint16_t port;        /* its own, of port_get() and released; 0:
				 any                                     */
	const char *const *keyv;  /* name, value, ..., NULL; or NULL     */
	unsigned calls;       /* default 1                               */
	unsigned rate;        /* calls a second, default 10              */
	bool tcp;
	bool ipv6;
	unsigned ms;          /* default E2E_WAIT                        */
};

enum {
	SIPP_BIND = 254,      /* its exit status: a port was taken       */
};

/** Start SIPp, again if a port was taken */
struct proc *sipp_start(struct env *env, const struct sipp_args *args);

/** Start SIPp and wait for its end. @return Exit status, 0 = all good */
int sipp_run(struct env *env, const struct sipp_args *args);


/* ------------------------------------------------------------ wire.c --- */

struct wire {
	struct env *env;
	struct proc *proc;
	char file[256];
	int fd;               /* ours for the packet that marks the end  */
	uint16_t mark;        /* its port                                */
};

struct wire_seen {
	unsigned frames;      /* all                                     */
	unsigned sip;         /* frames with SIP                         */
	unsigned msrp;        /* frames with MSRP                        */
	unsigned cpim;        /* of both, those naming message/cpim      */
	unsigned refused;     /* SIP 4xx to 6xx, without 401 and 407     */
};

/** Record loopback traffic of the environment's ports so far */
struct wire *wire_start(struct env *env);

/** End the recording */
void wire_stop(struct wire *w);

/**
 * Let tshark read the recording; stops it first if need be
 *
 * @param w    Recording
 * @param sipv SIP ports, 0 ends them
 * @param msrpv MSRP ports, 0 ends them
 * @param seen Counts
 *
 * The test fails if anything is malformed or an expert error, or if what goes
 * to or from these ports is something else.
 */
void wire_check(struct wire *w, const uint16_t *sipv, const uint16_t *msrpv,
		struct wire_seen *seen);

#endif
