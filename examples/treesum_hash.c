/* SPDX-License-Identifier: MIT */
/* treesum_hash.c - takes paths, gives SHA-256 sums. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <unistd.h>

#include "treesum.h"

/* Large enough that system calls cost little beside the hashing, and a
 * fraction of a millisecond's work, so that a stop is soon noticed. */
enum { BUFFER_SIZE = 256 * 1024 };

static int digest(struct hasher *hasher, int fd, struct sum *sum)
{
	EVP_MD_CTX *context = hasher->digest_context;

	/* A NULL type: start again with the one set in hasher_start. */
	if (!EVP_DigestInit_ex(context, NULL, NULL))
		return EIO;
	for (;;) {
		ssize_t n = read(fd, hasher->buffer, BUFFER_SIZE);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		if (n == 0)
			break;
		if (!EVP_DigestUpdate(context, hasher->buffer, (size_t)n))
			return EIO;
		sum->bytes += (uint64_t)n;
		if (weir_receiver_is_closed(hasher->paths))
			return ECANCELED;
	}
	return EVP_DigestFinal_ex(context, sum->digest, NULL) ? 0 : EIO;
}

/* The walk saw a regular file.  Should something else have taken its name
 * since, a symbolic link is refused and a FIFO does not keep us waiting. */
static int hash_file(struct hasher *hasher, struct sum *sum)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	int fd = open(sum->path, flags);
	int error;

	if (fd < 0)
		return errno;
	error = digest(hasher, fd, sum);
	close(fd);
	return error;
}

static void *hash_all(void *argument)
{
	struct hasher *hasher = argument;

	WEIR_FOR_EACH (hasher->paths, char *, path) {
		struct sum sum = {.path = path};

		sum.error = hash_file(hasher, &sum);
		if (sum.error == ECANCELED ||
			weir_send(hasher->sums, &sum) != WEIR_OK)
			free(path); /* it is still ours */
	}
	weir_sender_free(hasher->sums);
	return NULL;
}

static void release(struct hasher *hasher)
{
	EVP_MD_CTX_free(hasher->digest_context);
	free(hasher->buffer);
}

/* All that can fail is done here, before the thread exists: a hasher that gave
 * up would leave the walk waiting, as the receiver of `paths` is shared. */
int hasher_start(struct hasher *hasher, weir_receiver *paths, weir_sender *sums)
{
	int error;

	*hasher = (struct hasher){.paths = paths};
	hasher->buffer = malloc(BUFFER_SIZE);
	hasher->digest_context = EVP_MD_CTX_new();
	error = hasher->buffer == NULL || hasher->digest_context == NULL ||
				!EVP_DigestInit_ex(hasher->digest_context,
					EVP_sha256(), NULL)
			? ENOMEM
			: -weir_sender_clone(sums, &hasher->sums);
	if (error == 0)
		error = pthread_create(&hasher->thread, NULL, hash_all, hasher);
	if (error != 0) {
		weir_sender_free(hasher->sums);
		release(hasher);
	}
	return error;
}

void hasher_join(struct hasher *hasher)
{
	pthread_join(hasher->thread, NULL);
	release(hasher);
}
