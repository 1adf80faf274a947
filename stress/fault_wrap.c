/* SPDX-License-Identifier: MIT */
/* fault_wrap.c - counters that wrap in the middle of every round.
 *
 * Each channel starts a few elements before the end of some count, which it
 * would come to by itself after years: of the turns of its slots, of its
 * positions, or of the words in which these stand, at 2^32 and (ring) at 2^64.
 * A tick starts before the end of 2^32 periods.  White box: this links the
 * archive and sets what it starts from.
 *
 * At 2^64 what statistics and lengths make of positions is not looked at: that
 * is some 500 years on.  Nor is the segment list taken there, which counts its
 * segments and does not wrap: its tickets end after 2^61 elements.
 */
#include "channel.h"

#include "fault.h"
#include "traffic.h"

/* Elements before the end.  Most rounds have more. */
#define BEFORE 200

static _Atomic uint64_t rounds_wrapped, rounds_short;

/* Where the present round ends to count. */
static struct {
	uint64_t start, length; /* as counts of elements */
} course;

static struct channel *channel_of(weir_sender *tx)
{
	return tx->end.channel;
}

/* -- Setting ------------------------------------------------------------------ */

/* As if so many elements had gone through the ring. */
static void start_ring(struct ring *ring, uint64_t count)
{
	size_t capacity = ring->queue.capacity;
	uint64_t lap = count / capacity, index = count % capacity;
	uint64_t word = lap << ring->lap_shift | index << FLAG_BITS;

	for (size_t i = 0; i < capacity; i++) {
		struct slot *slot =
			(void *)(ring->slots + i * ring->layout.stride);

		init_atomic(
			&slot->turn, (uint32_t)(TURNS * (lap + (i < index))));
	}
	init_atomic(&ring->queue.head, word);
	init_atomic(&ring->queue.tail, word);
}

/* The first segment gets the number of the one that would be there. */
static void start_list(struct segment_list *list, uint64_t count)
{
	list->before_first.number = count >> list->slots_shift;
	init_atomic(&list->queue.head, count << FLAG_BITS);
	init_atomic(&list->queue.tail, count << FLAG_BITS);
}

static void start_at(struct channel *channel, uint64_t count)
{
	struct queue *queue = &channel->queue;

	course.start = count;
	if (queue->capacity == WEIR_UNBOUNDED)
		start_list(&channel->segment_list, count);
	else
		start_ring(&channel->ring, count);
	/* So that statistics count from here. */
	init_atomic(&queue->abandoned, count);
}

/* -- At 2^32 ------------------------------------------------------------------- */

/* After how many elements the turns of all slots have wrapped. */
static uint64_t end_of_turns(const struct channel *channel)
{
	uint64_t numbers = ((uint64_t)1 << 32) / TURNS;

	if (channel->queue.capacity != WEIR_UNBOUNDED)
		return numbers * channel->queue.capacity;
	/* Segments are numbered from 1 on. */
	return (numbers - 1) << channel->segment_list.slots_shift;
}

/* After how many elements the word of a position is 2^32. */
static uint64_t end_of_words(const struct channel *channel)
{
	unsigned shift = channel->ring.lap_shift;

	if (channel->queue.capacity != WEIR_UNBOUNDED)
		return ((uint64_t)1 << (32 - shift)) * channel->queue.capacity;
	return (uint64_t)1 << (32 - FLAG_BITS);
}

static void near_32(weir_sender *tx, struct stress_random *random)
{
	struct channel *channel = channel_of(tx);
	uint64_t before = 1 + stress_below(random, BEFORE), end;

	/* How often this side has waited, for the budget of spinning. */
	for (unsigned side = 0; side < 2; side++)
		init_atomic(
			&channel->sides[side].backoff.waits, (uint32_t)-before);
	course.length = 0;
	if (channel->queue.capacity == 0)
		return;
	switch (stress_below(random, 3)) {
	case 0:
		end = end_of_turns(channel);
		break;
	case 1:
		end = end_of_words(channel);
		break;
	default:
		end = (uint64_t)1 << 32; /* elements */
	}
	if (before > end)
		before = end;
	course.length = before;
	start_at(channel, end - before);
}

/* -- At 2^64 ------------------------------------------------------------------- */

static void near_64(weir_sender *tx, struct stress_random *random)
{
	struct channel *channel = channel_of(tx);
	uint64_t laps = (uint64_t)1 << (64 - channel->ring.lap_shift);
	uint64_t before = 1 + stress_below(random, BEFORE);

	course.length = before;
	start_at(channel, laps * channel->queue.capacity - before);
}

/* -- What was seen ----------------------------------------------------------------- */

static void see(weir_sender *tx)
{
	const struct queue *queue = &channel_of(tx)->queue;
	uint64_t passed;

	if (course.length == 0)
		return;
	passed = queue->ops->count(queue, load_relaxed(&queue->tail)) -
		 course.start;
	/* At 2^64 the count starts again from 0. */
	if (passed >= course.length)
		rounds_wrapped++;
	else
		rounds_short++;
}

/* -- Ticks -------------------------------------------------------------------------- */

#define PERIOD_NS 20000
#define TICKS 100
#define LISTENERS 3

struct listener {
	weir_receiver *rx;
	_Atomic uint64_t *taken;
	int64_t first; /* tick of all */
};

static void listen(void *argument)
{
	struct listener *l = argument;
	int64_t last = INT64_MIN, due;

	while (atomic_fetch_add(l->taken, 1) < TICKS) {
		stress_doing("waiting for a tick", 0);
		stress_check(weir_recv(l->rx, &due) == WEIR_OK, "no tick");
		stress_check(due > last && due <= weir_now(),
			"a tick of %" PRId64 " after %" PRId64, due, last);
		stress_check((due - l->first) % PERIOD_NS == 0,
			"a tick beside the grid: %" PRId64, due - l->first);
		last = due;
		stress_progress();
	}
	weir_receiver_free(l->rx);
}

/* The periods started so long ago that 2^32 of them, or 2^32 in the word of
 * their number, end a few from now. */
static void tick_over(struct stress_random *random)
{
	uint64_t end = (uint64_t)1
		       << (stress_one_in(random, 2) ? 32 : 32 - FLAG_BITS);
	uint64_t number = end - 1 - stress_below(random, TICKS / 2);
	struct listener listeners[LISTENERS];
	struct stress_crew crew = {.count = 0};
	_Atomic uint64_t taken = 0;
	struct timer_queue *timer;
	weir_receiver *rx;

	stress_describe("ticks from number %" PRIu64 " on", number);
	stress_check(weir_tick(PERIOD_NS, &rx) == WEIR_OK, "no tick");
	timer = &rx->end.channel->timer;
	timer->schedule.first -= (int64_t)number * PERIOD_NS;
	init_atomic(&timer->queue.head, number << FLAG_BITS);
	init_atomic(&timer->queue.abandoned, number);
	for (unsigned i = 0; i < LISTENERS; i++) {
		listeners[i] =
			(struct listener){rx, &taken, timer->schedule.first};
		if (i > 0)
			stress_check(weir_receiver_clone(
					     rx, &listeners[i].rx) == WEIR_OK,
				"no clone");
	}
	for (unsigned i = 0; i < LISTENERS; i++)
		stress_crew_add(&crew, "listener", listen, &listeners[i]);
	stress_crew_join(&crew);
	rounds_wrapped++;
}

int main(int argc, char **argv)
{
	static const size_t capacities[] = {1, 2, 3, 7, 64, 1000};
	static const struct traffic at_32 = {.opened = near_32, .ending = see};
	static const struct traffic at_64 = {
		.opened = near_64,
		.ending = see,
		.capacities = capacities,
		.n_capacities = 6,
		.no_figures = true,
	};
	struct stress_random random;

	stress_start(argc, argv, false);
	while (stress_next_round(&random)) {
		traffic_round(&at_32, &random);
		traffic_round(&at_64, &random);
		tick_over(&random);
	}
	stress_finish("%" PRIu64 " counts went over their ends (%" PRIu64
		      " rounds were too short for it), %" PRIu64
		      " elements, 0 lost, 0 doubled",
		rounds_wrapped, rounds_short, traffic_elements());
	return 0;
}
