/**
 * @file engine/export.c  Messages written to a file that the user names
 *
 * JSON Lines: one object a line, the fields of bus.md, "A message", with the
 * whole text. Bodies that are no text are files in a folder beside it, named
 * by the id of their message. Both grow under temporary names and are renamed
 * when all of it is on the disk: what has the name asked for is whole.
 *
 * Nothing here runs on the main loop but cpm_export() and done_handler().
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cpm_fthttp.h>
#include <cpm_mime.h>
#include "engine.h"
#include "json.h"


#define TMP_SUFFIX   ".part-XXXXXX"
#define FILES_SUFFIX ".files"

enum {
	NAME_ROOM = sizeof(TMP_SUFFIX) + sizeof(FILES_SUFFIX),
};

struct export {
	struct cpm *cpm;         /* of the main loop only                   */
	uint32_t number;

	char *path;              /* as the user named it                    */
	char *folder;            /* that holds it                           */
	char *files;             /* path of the folder with the bodies      */
	char *tmp;               /* the same two while they grow            */
	char *tmp_files;
	struct json *js;
	FILE *f;
	bool has_files;          /* tmp_files was made                      */
	uint64_t id;             /* of the message that is being written    */
	bool text;               /* its body is                             */
	bool started;            /* its body has begun                      */
	size_t ftl;              /* octets of the description of a file on a
				    web server; more than fit: it is none   */
	uint8_t ft[FTHTTP_DOC_MAX];
	int fd;                  /* of its body, if that is a file          */
};


static void destructor(void *arg)
{
	struct export *ex = arg;

	mem_deref(ex->path);
	mem_deref(ex->folder);
	mem_deref(ex->files);
	mem_deref(ex->tmp);
	mem_deref(ex->tmp_files);
	mem_deref(ex->js);
}


static const char *base_name(const char *path)
{
	return strrchr(path, '/') + 1;
}


/*
 * On the thread of the export
 */

static int open_handler(void *arg)
{
	struct export *ex = arg;
	int fd;

	fd = mkostemp(ex->tmp, O_CLOEXEC);
	if (fd < 0)
		return errno;

	/* the folder of the bodies goes by the same random letters */
	memcpy(ex->tmp_files, ex->tmp, strlen(ex->tmp));

	ex->f = fdopen(fd, "w");
	if (!ex->f) {
		const int err = errno;

		(void)close(fd);
		(void)unlink(ex->tmp);
		return err;
	}

	json_file(ex->js, ex->f);

	return 0;
}


static void put_time(struct json *js, const char *key, uint64_t ms)
{
	char buf[32];

	/* what no calendar knows is left out */
	if (re_snprintf(buf, sizeof(buf), "%H", cpim_time_print, &ms) > 0)
		json_str(js, key, buf);
}


static void put_state(struct json *js, const struct cpm_msg *msg)
{
	if (msg->direction == CPM_IN) {
		json_str(js, "delivery",
			 cpm_report_name(msg->report[CPM_DELIVERED]));
		json_str(js, "display",
			 cpm_report_name(msg->report[CPM_DISPLAYED]));
		return;
	}

	json_str(js, "status", cpm_out_name(msg->status));
	if (msg->code)
		json_uint(js, "code", msg->code);
	if (msg->tries)
		json_uint(js, "tries", msg->tries);
	json_str(js, "reason", msg->reason);
}


static int msg_handler(const struct cpm_msg *msg, void *arg)
{
	struct export *ex = arg;
	struct json *js = ex->js;
	struct pl type = PL_INIT;  /* one that has none */

	json_open(js);
	json_uint(js, "id", msg->id);
	json_str(js, "account", msg->account);
	json_uint(js, "conversation", msg->conversation);
	json_str(js, "direction", msg->direction == CPM_IN ? "in" : "out");
	json_str(js, "peer", msg->peer);
	json_str(js, "name", msg->name);
	put_time(js, "time", msg->time);
	put_time(js, "received", msg->received);
	json_bool(js, "deferred", msg->deferred);
	json_str(js, "mode", cpm_mode_name(msg->mode));
	json_str(js, "type", msg->type);
	json_str(js, "filename", msg->filename);
	json_uint(js, "size", msg->size);
	json_bool(js, "read", msg->read);
	json_str(js, "imdn_id", msg->imdn_id);
	json_str(js, "conversation_id", msg->conversation_id);
	json_str(js, "contribution_id", msg->contribution_id);
	json_str(js, "in_reply_to", msg->in_reply_to);
	put_state(js, msg);

	pl_set_str(&type, msg->type);
	ex->ftl     = mime_type_is(&type, FTHTTP_TYPE) ? 0
		: sizeof(ex->ft) + 1;
	ex->id      = msg->id;
	ex->text    = msg->text;
	ex->started = msg->text;
	if (msg->text)
		json_text_start(js, "text");

	return js->err;
}


static void file_path(const struct export *ex, char *path, size_t size)
{
	(void)snprintf(path, size, "%s/%llu", ex->tmp_files,
		       (unsigned long long)ex->id);
}


static int file_start(struct export *ex)
{
	char path[PATH_MAX];

	if (!ex->has_files && mkdir(ex->tmp_files, 0700) < 0)
		return errno;

	ex->has_files = true;
	file_path(ex, path, sizeof(path));
	ex->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (ex->fd < 0)
		return errno;

	ex->started = true;

	return 0;
}


static void ft_add(struct export *ex, const uint8_t *buf, size_t len)
{
	if (ex->ftl > sizeof(ex->ft) || len > sizeof(ex->ft) - ex->ftl) {
		ex->ftl = sizeof(ex->ft) + 1;
		return;
	}

	memcpy(ex->ft + ex->ftl, buf, len);
	ex->ftl += len;
}


static void ft_file(struct json *js, const struct fthttp_file *file)
{
	char name[CPM_FILENAME_MAX + 1];
	struct pl until;
	uint64_t ms;

	json_str(js, "url", file->url);
	cpm_filename(name, file->name);
	if (name[0])
		json_str(js, "name", name);
	if (file->type[0])
		json_str(js, "type", file->type);
	if (file->size)
		json_uint(js, "size", file->size);

	pl_set_str(&until, file->until);
	if (!cpim_time_decode(&ms, &until))
		put_time(js, "until", ms);
}


/* One that cannot be read is there as text all the same */
static void ft_end(struct export *ex)
{
	struct json *js = ex->js;
	struct fthttp_doc doc;

	if (!ex->ftl || ex->ftl > sizeof(ex->ft) ||
	    fthttp_decode(&doc, ex->ft, ex->ftl))
		return;

	json_object(js, "ft");
	ft_file(js, &doc.file);
	if (doc.thumbnail.url[0]) {
		json_object(js, "thumbnail");
		ft_file(js, &doc.thumbnail);
		json_object_end(js);
	}
	json_object_end(js);
}


static int body_handler(const uint8_t *buf, size_t len, void *arg)
{
	struct export *ex = arg;
	int err;

	if (ex->text) {
		ft_add(ex, buf, len);
		json_text(ex->js, buf, len);
		return ex->js->err;
	}

	err = ex->started ? 0 : file_start(ex);
	while (len && !err) {
		const ssize_t n = write(ex->fd, buf, len);

		if (n >= 0) {
			buf += n;
			len -= (size_t)n;
		}
		else if (errno != EINTR) {
			err = errno;
		}
	}

	return err;
}


static int file_end(struct export *ex, bool lost)
{
	char path[PATH_MAX], name[NAME_MAX + 32];
	int err = 0;

	file_path(ex, path, sizeof(path));
	if (!lost && fsync(ex->fd) < 0)
		err = errno;
	if (close(ex->fd) < 0 && !err)
		err = errno;
	ex->fd = -1;

	/* half a picture is none */
	if (lost) {
		(void)unlink(path);
		return err;
	}

	/* beside the file, wherever both are taken */
	(void)snprintf(name, sizeof(name), "%s/%llu", base_name(ex->files),
		       (unsigned long long)ex->id);
	json_str(ex->js, "file", name);

	return err;
}


static int end_handler(bool lost, void *arg)
{
	struct export *ex = arg;
	int err = 0;

	if (ex->text) {
		json_text_end(ex->js);
		ft_end(ex);
	}
	else if (ex->started)
		err = file_end(ex, lost);
	if (lost)
		json_bool(ex->js, "lost", true);
	json_close(ex->js);

	return err ? err : ex->js->err;
}


static int folder_sync(const char *path)
{
	const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return errno;

	if (fsync(fd) < 0)
		err = errno;
	(void)close(fd);

	return err;
}


/* Nobody's file is replaced, whenever it came */
static int rename_new(const char *from, const char *to)
{
	struct stat st;

	if (!renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE))
		return 0;

	/* not every file system can do that */
	if (errno != EINVAL && errno != ENOSYS)
		return errno;
	if (!lstat(to, &st))
		return EEXIST;

	return rename(from, to) < 0 ? errno : 0;
}


/* A folder of ours: it holds files, and nothing else */
static void folder_remove(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *de;

	while (dir && (de = readdir(dir)) != NULL)
		(void)unlinkat(dirfd(dir), de->d_name, 0);
	if (dir)
		(void)closedir(dir);

	(void)rmdir(path);
}


static int publish(struct export *ex)
{
	int err = 0;

	if (ex->has_files) {
		err = folder_sync(ex->tmp_files);
		if (!err)
			err = rename_new(ex->tmp_files, ex->files);
		if (err)
			return err;
	}

	err = rename_new(ex->tmp, ex->path);
	if (!err) {
		err = folder_sync(ex->folder);
		if (err)
			(void)unlink(ex->path);
	}
	if (err && ex->has_files)
		folder_remove(ex->files);

	return err;
}


static int close_handler(int err, void *arg)
{
	struct export *ex = arg;

	if (ex->fd >= 0)
		(void)close(ex->fd);

	if (!err && (fflush(ex->f) || fsync(fileno(ex->f)) < 0))
		err = errno;
	if (fclose(ex->f) && !err)
		err = errno;

	if (!err)
		err = publish(ex);
	if (err) {
		(void)unlink(ex->tmp);
		if (ex->has_files)
			folder_remove(ex->tmp_files);
	}

	return err;
}


/*
 * On the main loop
 */

static void done_handler(int err, const struct cpm_export_result *res,
			 void *arg)
{
	struct cpm_event ev = {.id = CPM_EV_EXPORT};
	struct export *ex = arg;
	char buf[128];

	ev.u.exported.number   = ex->number;
	ev.u.exported.done     = !err;
	ev.u.exported.path     = ex->path;
	ev.u.exported.messages = res->messages;
	ev.u.exported.lost     = res->lost;
	if (err == ECANCELED)
		ev.u.exported.text = "the softphone has ended";
	else if (err)
		ev.u.exported.text = str_error(err, buf, sizeof(buf));

	engine_event(ex->cpm, &ev);
	mem_deref(ex);
}


/* It goes out in JSON as it came in, so it must be text; and what is made of
   it must be a path */
static bool path_isvalid(const char *path)
{
	const size_t len = str_len(path);
	struct mbuf *mb;
	bool valid;

	if (!len || path[0] != '/' || path[len - 1] == '/' ||
	    len + NAME_ROOM + 24 > PATH_MAX ||
	    strlen(base_name(path)) + NAME_ROOM > NAME_MAX)
		return false;

	mb = mbuf_alloc(len);
	if (!mb)
		return false;

	valid = !cpm_text_clean(mb, (const uint8_t *)path, len) &&
		mb->end == len && !memcmp(mb->buf, path, len) &&
		!strpbrk(path, "\n\t");
	mem_deref(mb);

	return valid;
}


/* What is wrong now is told now; looking a name up is all that is done with
   the disk here */
static int look(const struct export *ex)
{
	struct stat st;

	if (stat(ex->folder, &st) < 0)
		return errno == ENOENT ? ENOTDIR : errno;
	if (!S_ISDIR(st.st_mode))
		return ENOTDIR;

	if (!lstat(ex->path, &st) || !lstat(ex->files, &st))
		return EEXIST;

	return 0;
}


static int export_alloc(struct export **exp, struct cpm *cpm,
			const char *path)
{
	struct export *ex;
	struct pl dir;
	int err;

	ex = mem_zalloc(sizeof(*ex), destructor);
	if (!ex)
		return ENOMEM;

	ex->cpm = cpm;
	ex->fd  = -1;

	dir.p = path;
	dir.l = (size_t)(base_name(path) - path);
	err = str_dup(&ex->path, path);
	if (!err)
		err = pl_strdup(&ex->folder, &dir);
	if (!err)
		err = re_sdprintf(&ex->files, "%s" FILES_SUFFIX, path);
	if (!err)
		err = re_sdprintf(&ex->tmp, "%s" TMP_SUFFIX, path);
	if (!err)
		err = re_sdprintf(&ex->tmp_files, "%s" TMP_SUFFIX
				  FILES_SUFFIX, path);
	if (!err)
		err = json_alloc(&ex->js);
	if (!err)
		err = look(ex);

	if (err)
		mem_deref(ex);
	else
		*exp = ex;

	return err;
}


int cpm_export(struct cpm *cpm, const char *path, uint64_t conv,
	       uint32_t *number)
{
	static const struct cpm_export_sink sink = {
		.openh  = open_handler,
		.msgh   = msg_handler,
		.bodyh  = body_handler,
		.endh   = end_handler,
		.closeh = close_handler,
	};
	struct export *ex;
	int err;

	if (!cpm || !number || !path_isvalid(path))
		return EINVAL;

	err = export_alloc(&ex, cpm, path);
	if (err)
		return err;

	ex->number = cpm->export_last + 1;
	err = cpm_store_export(cpm->store, conv, &sink, done_handler, ex);
	if (err) {
		mem_deref(ex);
		return err;
	}

	*number = cpm->export_last = ex->number;

	return 0;
}
