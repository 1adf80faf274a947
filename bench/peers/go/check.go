// SPDX-License-Identifier: MIT

package main

import (
	"syscall"
	"time"
)

const maxProducers = 64

// element is what travels: its number, and the complement of that in the last
// word where there is more than one.
type element interface {
	[1]uint64 | [4]uint64 | [32]uint64
}

func put[E element](e *E, producer int, sequence uint64) {
	n := uint64(producer)<<56 | sequence
	(*e)[0] = n
	if len(*e) > 1 {
		(*e)[len(*e)-1] = ^n
	}
}

// check is one receiver's view of what arrived.
type check struct {
	count, sum uint64
	next       [maxProducers]uint64
}

func see[E element](c *check, e *E) {
	n := (*e)[0]
	if len(*e) > 1 && (*e)[len(*e)-1] != ^n {
		die("a torn element arrived")
	}
	producer := n >> 56
	if producer >= maxProducers {
		die("an element of no producer arrived")
	}
	if n < c.next[producer] {
		die("elements of producer %d out of order", producer)
	}
	c.next[producer] = n + 1
	c.count++
	c.sum += n
}

// total dies unless all elements of so many producers have arrived.
func total(checks []check, producers int, each uint64) {
	var count, sum, expected uint64
	for i := range checks {
		count += checks[i].count
		sum += checks[i].sum
	}
	for p := uint64(0); p < uint64(producers); p++ {
		expected += p<<56*each + each*(each-1)/2
	}
	if count != each*uint64(producers) || sum != expected {
		die("%d of %d elements arrived, or the sum is wrong", count,
			each*uint64(producers))
	}
}

// figures are those of struct bench_figures.
type figures struct {
	count                        uint64
	wall, ns, p99, cpu, switches float64
}

// opening is what making channels that hold all has taken since the last stop.
var opening struct{ wall, cpu float64 }

func open[E element](j *job, count uint64) chan E {
	if j.capacity >= 0 {
		return make(chan E, j.capacity)
	}
	w := start()
	channel := make(chan E, int(count)+maxProducers)
	f := w.stop(1)
	opening.wall += f.wall
	opening.cpu += f.cpu
	return channel
}

type watch struct {
	wall  time.Time
	usage syscall.Rusage
}

func start() (w watch) {
	syscall.Getrusage(syscall.RUSAGE_SELF, &w.usage)
	w.wall = time.Now()
	return w
}

func cpu(u *syscall.Rusage) float64 {
	return float64(u.Utime.Nano() + u.Stime.Nano())
}

func (w *watch) stop(count uint64) (f figures) {
	var usage syscall.Rusage
	f.wall = float64(time.Since(w.wall).Nanoseconds()) + opening.wall
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	f.count = count
	f.ns = f.wall / float64(count)
	f.cpu = (cpu(&usage) - cpu(&w.usage) + opening.cpu) / float64(count)
	opening.wall, opening.cpu = 0, 0
	f.switches = float64(usage.Nvcsw-w.usage.Nvcsw) / float64(count)
	return f
}
