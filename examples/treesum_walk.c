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

/* Pass on what cannot be read.  Takes the path over; NULL will do. */
static int complain(struct walk *walk, char *path, int error)
{
	struct sum sum = {.path = path, .error = error};
	int status = weir_send(walk->sums, &sum);

	if (status != WEIR_OK)
		free(path);
	return status;
}

/* What `path` is decides who gets it: the stack, the hashers or nobody.  Takes
 * the path over. */
static int sort_out(
	struct walk *walk, struct stack *stack, char *path, int type)
{
	int status = WEIR_OK;

	if (type == DT_UNKNOWN) {
		struct stat st;

		if (lstat(path, &st) != 0)
			return complain(walk, path, errno);
		type = (int)IFTODT(st.st_mode);
	}
	if (type == DT_DIR)
		return push(stack, path);
	if (type != DT_REG || (status = weir_send(walk->paths, &path)))
		free(path);
	return status;
}

/* Takes the path over, as a directory's name. */
static int read_directory(struct walk *walk, struct stack *stack, char *path)
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
		status = child == NULL
				 ? WEIR_NO_MEMORY
				 : sort_out(walk, stack, child, entry->d_type);
	}
	error = status == WEIR_OK ? errno : 0; /* readdir's */
	closedir(directory);
	if (error != 0)
		return complain(walk, path, error);
	free(path);
	return status;
}

/* Nobody will receive a path any more.  A send says so, too, but between two
 * files there may be a great many directories. */
static bool stopped(const struct walk *walk)
{
	weir_statistics statistics;

	weir_sender_statistics(walk->paths, &statistics);
	return statistics.open_receivers == 0;
}

static int walk_root(struct walk *walk, struct stack *stack, const char *root)
{
	char *path = strdup(root);
	int status = WEIR_NO_MEMORY;

	if (path != NULL)
		status = sort_out(walk, stack, path, DT_UNKNOWN);
	while (status == WEIR_OK && stack->count > 0 && !stopped(walk)) {
		path = stack->paths[--stack->count];
		status = read_directory(walk, stack, path);
	}
	return status;
}

static void *walk_all(void *argument)
{
	struct walk *walk = argument;
	struct stack stack = {NULL, 0, 0};
	int status = WEIR_OK;

	for (char *const *root = walk->roots; *root != NULL; root++) {
		status = walk_root(walk, &stack, *root);
		if (status != WEIR_OK)
			break; /* BROKEN_RESOURCE is how we are told to stop */
	}
	if (status == WEIR_NO_MEMORY)
		(void)!complain(walk, NULL, ENOMEM);
	while (stack.count > 0)
		free(stack.paths[--stack.count]);
	free(stack.paths);
	weir_sender_free(walk->paths);
	weir_sender_free(walk->sums);
	return NULL;
}

int walk_start(struct walk *walk, char *const *roots, weir_sender *paths,
	weir_sender *sums)
{
	int error;

	*walk = (struct walk){.roots = roots};
	error = -weir_sender_clone(paths, &walk->paths);
	if (error == 0)
		error = -weir_sender_clone(sums, &walk->sums);
	if (error == 0)
		error = pthread_create(&walk->thread, NULL, walk_all, walk);
	if (error != 0) {
		weir_sender_free(walk->paths);
		weir_sender_free(walk->sums);
	}
	return error;
}

void walk_join(struct walk *walk)
{
	pthread_join(walk->thread, NULL);
}
