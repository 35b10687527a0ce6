/**
 * @file far.c  Somebody who speaks SIP from an address of his own
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <openssl/ssl.h>
#include "far.h"


#define TAG "Accept-Contact: *;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A" \
	"3gpp-service.ims.icsi.oma.cpm.session\"\r\n"

struct where {
	struct sockaddr_storage ss;
	socklen_t len;
};


static struct where where(const char *host, uint16_t port)
{
	const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *res = NULL;
	struct where w;
	char num[8];

	snprintf(num, sizeof(num), "%u", port);
	if (getaddrinfo(host, num, &hints, &res))
		e2e_fail("%s is no address", host);
	memset(&w, 0, sizeof(w));
	memcpy(&w.ss, res->ai_addr, res->ai_addrlen);
	w.len = res->ai_addrlen;
	freeaddrinfo(res);

	return w;
}


static int sock(struct far *f, int type, const char *tp, struct env *env,
		const char *host)
{
	struct where w = where(host, 0);
	char num[8];
	int fd;

	memset(f, 0, sizeof(*f));
	f->env  = env;
	f->host = host;
	f->tp   = tp;
	f->fd   = f->lfd = -1;
	fd = socket(w.ss.ss_family, type | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&w.ss, w.len) ||
	    getsockname(fd, (struct sockaddr *)&w.ss, &w.len) ||
	    getnameinfo((struct sockaddr *)&w.ss, w.len, NULL, 0, num,
			sizeof(num), NI_NUMERICSERV))
		e2e_fail("socket on %s: %s", host, strerror(errno));
	f->port = (uint16_t)atoi(num);

	return fd;
}


void far_udp(struct far *f, struct env *env, const char *host)
{
	f->fd = sock(f, SOCK_DGRAM, "UDP", env, host);
}


void far_connect(struct far *f, const struct baresip *b, const char *host)
{
	const struct where w = where(b->host, b->sip_port);

	f->fd = sock(f, SOCK_STREAM, "TCP", b->env, host);
	if (connect(f->fd, (const struct sockaddr *)&w.ss, w.len))
		e2e_fail("connect to %s: %s", b->sip, strerror(errno));
}


void far_listen(struct far *f, struct env *env, const char *host,
		const char *pem)
{
	f->lfd = sock(f, SOCK_STREAM, pem ? "TLS" : "TCP", env, host);
	if (listen(f->lfd, 4))
		e2e_fail("listen: %s", strerror(errno));
	if (!pem)
		return;

	f->ctx = SSL_CTX_new(TLS_server_method());
	if (!f->ctx ||
	    SSL_CTX_use_PrivateKey_file(f->ctx, pem, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_use_certificate_chain_file(f->ctx, pem) != 1)
		e2e_fail("no TLS with %s", pem);
}


static void readable(const struct far *f, int fd)
{
	struct pollfd pfd = {fd, POLLIN, 0};

	if (f->ssl && SSL_pending(f->ssl))
		return;
	if (poll(&pfd, 1, (int)(E2E_WAIT * f->env->scale)) != 1)
		e2e_fail("silence at %s", f->host);
}


void far_accept(struct far *f)
{
	readable(f, f->lfd);
	f->fd = accept4(f->lfd, NULL, NULL, SOCK_CLOEXEC);
	if (f->fd < 0)
		e2e_fail("accept: %s", strerror(errno));
	if (!f->ctx)
		return;

	f->ssl = SSL_new(f->ctx);
	if (!f->ssl || SSL_set_fd(f->ssl, f->fd) != 1 ||
	    SSL_accept(f->ssl) != 1)
		e2e_fail("no TLS from the softphone");
}


void far_close(struct far *f)
{
	SSL_free(f->ssl);
	SSL_CTX_free(f->ctx);
	if (f->fd >= 0)
		close(f->fd);
	if (f->lfd >= 0)
		close(f->lfd);
}


void far_put(struct far *f, const struct baresip *b, const char *text)
{
	const struct where w = where(b->host, b->sip_port);
	const size_t len = strlen(text);
	ssize_t n;

	if (f->ssl)
		n = SSL_write(f->ssl, text, (int)len);
	else if (strcmp(f->tp, "UDP"))
		n = send(f->fd, text, len, MSG_NOSIGNAL);
	else
		n = sendto(f->fd, text, len, 0,
			   (const struct sockaddr *)&w.ss, w.len);
	if (n != (ssize_t)len)
		e2e_fail("send from %s: %s", f->host, strerror(errno));
}


/* Octets of the message that stands in front; 0: it is not whole */
static size_t whole(const struct far *f)
{
	const char *end = strstr(f->buf, "\r\n\r\n"), *len;
	size_t n;

	if (!end)
		return 0;
	len = strcasestr(f->buf, "\r\nContent-Length:");
	n = (size_t)(end - f->buf) + 4;
	if (len && len < end)
		n += strtoul(len + 17, NULL, 10);

	return n <= f->len ? n : 0;
}


const char *far_get(struct far *f)
{
	const bool udp = !strcmp(f->tp, "UDP");
	const char *text;
	ssize_t n;
	size_t len;

	while (!(len = whole(f))) {
		char *to = f->buf + f->len;
		const size_t room = sizeof(f->buf) - f->len - 1;

		readable(f, f->fd);
		n = f->ssl ? SSL_read(f->ssl, to, (int)room)
			: recv(f->fd, to, room, 0);
		if (n <= 0)
			e2e_fail("closed at %s", f->host);
		f->len += (size_t)n;
		f->buf[f->len] = '\0';
	}
	if (udp)
		len = f->len;
	text = env_str(f->env, "%.*s", (int)len, f->buf);
	f->len -= len;
	memmove(f->buf, f->buf + len, f->len + 1);

	return text;
}


static const char *field(struct env *env, const char *text, const char *name)
{
	const char *p = strcasestr(text, name);

	if (!p)
		e2e_fail("no %s in %s", name, text);

	return env_str(env, "%.*s\r\n", (int)strcspn(p + 2, "\r"), p + 2);
}


void far_registered(struct far *f, const struct baresip *b, struct far *by)
{
	const char *req = far_get(f);
	struct env *env = f->env;

	if (strncmp(req, "REGISTER ", 9))
		e2e_fail("no REGISTER but %s", req);
	far_put(by ? by : f, b, env_str(env, "SIP/2.0 200 OK\r\n%s%s%s%s%s%s"
		"Content-Length: 0\r\n\r\n", field(env, req, "\r\nVia:"),
		field(env, req, "\r\nFrom:"), field(env, req, "\r\nTo:"),
		field(env, req, "\r\nCall-ID:"), field(env, req, "\r\nCSeq:"),
		field(env, req, "\r\nContact:")));
}


static const char *request(struct far *f, const struct far_args *args,
			   const char *met, const char *to)
{
	const char *from = args->from ? args->from : "mallory";
	const char *user = args->user ? args->user : "alice";
	const char *body = args->body ? args->body : "";
	const bool ack = !strcmp(met, "ACK");
	const bool v6 = strchr(f->host, ':') != NULL;

	return env_str(f->env, "%s sip:%s@%s%s%s SIP/2.0\r\n"
		"Via: SIP/2.0/%s %s%s%s:%u;rport;branch=z9hG4bKfar%u\r\n"
		"Max-Forwards: 70\r\nFrom: <sip:%s@cpm.test>;tag=far%u\r\n"
		"%sCall-ID: far%u.%u.%s\r\nCSeq: 1 %s\r\n"
		"Contact: <sip:%s@%s%s%s:%u>\r\n%s%s%s%s"
		"Content-Length: %zu\r\n\r\n%s", met, user,
		v6 ? "[" : "", f->host, v6 ? "]" : "", f->tp,
		v6 ? "[" : "", f->host, v6 ? "]" : "", f->port, f->n, from,
		f->n, to, f->n, f->port, f->host, met, from,
		v6 ? "[" : "", f->host, v6 ? "]" : "", f->port,
		ack ? "" : args->head ? args->head : TAG,
		!ack && args->type ? "Content-Type: " : "",
		!ack && args->type ? args->type : "",
		!ack && args->type ? "\r\n" : "",
		ack ? 0 : strlen(body), ack ? "" : body);
}


unsigned far_ask(struct far *f, const struct baresip *b,
		 const struct far_args *args, const char **answerp)
{
	static const struct far_args none;
	static unsigned asked;  /* a port may be another's soon after */
	const char *met, *text;
	unsigned code = 0;

	if (!args)
		args = &none;
	met = args->met ? args->met : "INVITE";
	f->n = ++asked;
	far_put(f, b, request(f, args, met, env_str(f->env,
		"To: <sip:%s@cpm.test>\r\n", args->user ? args->user
		: "alice")));
	do {
		text = far_get(f);
		(void)sscanf(text, "SIP/2.0 %u", &code);
	} while (code == 100);

	if (code >= 200 && !strcmp(met, "INVITE"))
		far_put(f, b, request(f, args, "ACK",
				      field(f->env, text, "\r\nTo:")));
	if (answerp)
		*answerp = text;

	return code;
}


unsigned far_from(const struct baresip *b, const char *host,
		  const struct far_args *args)
{
	struct far f;
	unsigned code;

	far_udp(&f, b->env, host);
	code = far_ask(&f, b, args, NULL);
	far_close(&f);

	return code;
}


int far_quit(struct far *f, struct baresip *b, struct far *by)
{
	int status;

	ctrl_post(b->ctrl, "quit", NULL);
	far_registered(f, b, by);
	status = proc_wait(b->proc, E2E_STOP);
	ctrl_close(b->ctrl);

	return status;
}
