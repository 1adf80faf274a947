/* SPDX-License-Identifier: MIT */
/* treesum_hash.c - takes paths, gives SHA-256 sums. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <unistd.h>

#include "treesum.h"

/* Large enough that system calls cost little beside the hashing, and a
 * fraction of a millisecond's work, so that a stop is soon noticed.  It lies on
 * the thread's stack. */
enum { BUFFER_SIZE = 256 * 1024 };

/* 0 or an errno; ECANCELED if it was interrupted. */
static int digest_all(
	struct treesum *treesum, int fd, EVP_MD_CTX *context, struct sum *sum)
{
	unsigned char buffer[BUFFER_SIZE];

	if (!EVP_DigestInit_ex(context, EVP_sha256(), NULL))
		return EIO;
	for (;;) {
		ssize_t n;

		if (interrupted(&treesum->interrupt))
			return ECANCELED;
		n = read(fd, buffer, sizeof(buffer));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		if (n == 0)
			break;
		if (!EVP_DigestUpdate(context, buffer, (size_t)n))
			return EIO;
		sum->bytes += (uint64_t)n;
	}
	return EVP_DigestFinal_ex(context, sum->digest, NULL) ? 0 : EIO;
}

/* The walk saw a regular file.  Should something else have taken its name
 * since, a symbolic link is refused and a FIFO does not keep us waiting. */
static int digest(struct treesum *treesum, struct sum *sum)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	int fd = open(sum->path, flags);
	EVP_MD_CTX *context;
	int error = ENOMEM;

	if (fd < 0)
		return errno;
	context = EVP_MD_CTX_new();
	if (context != NULL)
		error = digest_all(treesum, fd, context, sum);
	EVP_MD_CTX_free(context);
	close(fd);
	return error;
}

int hash_file(void *context, const void *in, void *out)
{
	struct treesum *treesum = context;
	struct sum *sum = out;
	int error;

	*sum = (struct sum){.path = *(char *const *)in};
	error = digest(treesum, sum);
	if (error == 0)
		return WEIR_OK;
	if (error != ECANCELED)
		report_error(&treesum->report, sum->path, error);
	free(sum->path); /* not emitted, so still ours */
	return error == ECANCELED ? WEIR_END_OF_CHANNEL : WEIR_SKIP;
}
