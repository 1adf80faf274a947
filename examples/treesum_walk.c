/* SPDX-License-Identifier: MIT */
/* treesum_walk.c - the paths of all regular files below some directories.
 *
 * Directories yet to be read wait on a stack of paths, so that neither depth
 * nor breadth costs file descriptors.  Symbolic links are never followed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "treesum.h"

struct stack {
	char **paths;
	size_t count, capacity;
};

struct walk {
	struct treesum *treesum;
	weir_sender *paths;
	struct stack stack;
};

/* Takes the path over, whatever comes of it. */
static int push(struct stack *stack, char *path)
{
	if (stack->count == stack->capacity) {
		size_t capacity = stack->capacity ? 2 * stack->capacity : 64;
		char **paths =
			reallocarray(stack->paths, capacity, sizeof(*paths));

		if (paths == NULL) {
			free(path);
			return WEIR_NO_MEMORY;
		}
		stack->paths = paths;
		stack->capacity = capacity;
	}
	stack->paths[stack->count++] = path;
	return WEIR_OK;
}

static char *join(const char *directory, const char *name)
{
	size_t length = strlen(directory);
	char *path = malloc(length + 1 + strlen(name) + 1);

	if (path == NULL)
		return NULL;
	memcpy(path, directory, length);
	if (length > 0 && path[length - 1] != '/')
		path[length++] = '/';
	strcpy(path + length, name);
	return path;
}

/* Report what cannot be read, and go on.  Takes the path over. */
static int complain(struct walk *walk, char *path, int error)
{
	report_error(&walk->treesum->report, path, error);
	free(path);
	return WEIR_OK;
}

/* Takes the path over. */
static int emit(struct walk *walk, char *path)
{
	int status = weir_send(walk->paths, &path);

	if (status != WEIR_OK)
		free(path);
	return status;
}

/* What `path` is decides who gets it: the stack, the hashers or nobody.  Takes
 * the path over. */
static int sort_out(struct walk *walk, char *path, int type)
{
	if (type == DT_UNKNOWN) {
		struct stat st;

		if (lstat(path, &st) != 0)
			return complain(walk, path, errno);
		type = (int)IFTODT(st.st_mode);
	}
	if (type == DT_DIR)
		return push(&walk->stack, path);
	if (type == DT_REG)
		return emit(walk, path);
	free(path);
	return WEIR_OK;
}

/* Takes the path over, as a directory's name. */
static int read_directory(struct walk *walk, char *path)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = open(path, flags);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	int status = WEIR_OK, error = errno;

	if (directory == NULL) {
		if (fd >= 0)
			close(fd);
		return complain(walk, path, error);
	}
	while (status == WEIR_OK && (errno = 0, entry = readdir(directory))) {
		const char *name = entry->d_name;
		char *child;

		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			continue;
		child = join(path, name);
		status = child == NULL ? WEIR_NO_MEMORY
				       : sort_out(walk, child, entry->d_type);
	}
	error = status == WEIR_OK ? errno : 0; /* readdir's */
	closedir(directory);
	if (error != 0)
		return complain(walk, path, error);
	free(path);
	return status;
}

static int walk_root(struct walk *walk, const char *root)
{
	char *path = strdup(root);
	int status = WEIR_NO_MEMORY;

	if (path != NULL)
		status = sort_out(walk, path, DT_UNKNOWN);
	while (status == WEIR_OK && walk->stack.count > 0 &&
		!interrupted(&walk->treesum->interrupt)) {
		path = walk->stack.paths[--walk->stack.count];
		status = read_directory(walk, path);
	}
	return status;
}

int walk_all(void *context, weir_receiver *in, weir_sender *out)
{
	struct walk walk = {.treesum = context, .paths = out};
	int status = WEIR_OK;

	(void)in;
	for (char *const *root = walk.treesum->roots;
		*root != NULL && status == WEIR_OK; root++)
		status = walk_root(&walk, *root);
	while (walk.stack.count > 0)
		free(walk.stack.paths[--walk.stack.count]);
	free(walk.stack.paths);
	return status;
}
