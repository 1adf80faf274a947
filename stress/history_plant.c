/* SPDX-License-Identifier: MIT */
/* history_plant.c - see history_plant.h. */
#include "history_plant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of each kind: how seldom it is planted, and what is to find it. */
static const struct {
	const char *name;
	unsigned one_in;
	enum fifo_condition condition;
} kinds[PLANTS] = {
	[PLANT_NOTHING] = {"nothing", 1, FIFO_CONDITIONS},
	[PLANT_LOST] = {"lost", 500, FIFO_LOST},
	[PLANT_DOUBLED] = {"doubled", 500, FIFO_REPEAT},
	[PLANT_REORDERED] = {"reordered", 50, FIFO_ORDER},
	[PLANT_REORDERED_BATCH] = {"reordered_batch", 20, FIFO_BATCH},
	[PLANT_LATE_SEND] = {"late_send", 2, FIFO_CLOSE_POINT},
	[PLANT_EARLY_END] = {"early_end", 500, FIFO_END},
	[PLANT_EARLY_BREAK] = {"early_break", 500, FIFO_CLOSE_POINT},
	[PLANT_EMPTY] = {"empty", 20, FIFO_EMPTY},
	[PLANT_EMPTY_LATE] = {"empty_late", 20, FIFO_EMPTY_LATE},
	[PLANT_FULL] = {"full", 20, FIFO_FULL},
	[PLANT_FULL_LATE] = {"full_late", 20, FIFO_FULL_LATE},
	[PLANT_TOO_MANY] = {"too_many", 20, FIFO_CAPACITY},
	[PLANT_NO_PARTNER] = {"no_partner", 20, FIFO_RENDEZVOUS},
	[PLANT_TAKEN_BACK] = {"taken_back", 500, FIFO_FRESH},
	[PLANT_DISPLACED_TWICE] = {"displaced_twice", 20, FIFO_REPEAT},
	[PLANT_DISPLACED_EARLY] = {"displaced_early", 20, FIFO_FORCED},
	[PLANT_REFUSED_FORCE] = {"refused_force", 20, FIFO_FORCED},
	[PLANT_NOT_DROPPED] = {"not_dropped", 20, FIFO_LOST},
	[PLANT_DROPPED_EARLY] = {"dropped_early", 500, FIFO_DROPPED},
	[PLANT_UNCLOSED] = {"unclosed", 2, FIFO_ENDPOINT},
};

static enum plant planted;
static bool found;

static void list_kinds(void)
{
	fprintf(stderr, "kinds of bugs:");
	for (int i = 1; i < PLANTS; i++)
		fprintf(stderr, " %s", kinds[i].name);
	fprintf(stderr, "\n");
	exit(2);
}

void plant_option(int *argc, char ***argv)
{
	char **left = *argv + 2;

	if (*argc < 2 || strcmp((*argv)[1], "-b") != 0)
		return;
	if (*argc == 2)
		list_kinds();
	for (int i = 1; i < PLANTS; i++)
		if (strcmp((*argv)[2], kinds[i].name) == 0)
			planted = (enum plant)i;
	if (planted == PLANT_NOTHING)
		list_kinds();
	left[0] = (*argv)[0];
	*argc -= 2;
	*argv = left;
}

bool plant(enum plant kind, struct stress_random *random)
{
	return kind == planted && stress_one_in(random, kinds[kind].one_in);
}

void plant_settle(const struct fifo_result *result)
{
	enum fifo_condition condition = kinds[planted].condition;

	if (planted == PLANT_NOTHING || result->found[condition] == 0 || found)
		return;
	found = true;
	printf("planted: %s, found: %s\n", kinds[planted].name,
		fifo_name(condition));
}

const char *plant_name(void)
{
	return planted == PLANT_NOTHING ? NULL : kinds[planted].name;
}

bool plant_goes_on(void)
{
	return !found;
}
