// SPDX-License-Identifier: MIT

package main

import (
	"bufio"
	"fmt"
	"os"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func run[E element](j *job, count uint64) figures {
	switch j.workload {
	case "try":
		return try[E](j, count)
	case "seq":
		return seq[E](j, count)
	case "pingpong":
		return pingpong[E](j, count)
	case "select_rx":
		return crowd(j, count, sendToOne[E])
	case "select_both":
		return crowd(j, count, sendToAny[E])
	case "fed", "fed_1ms", "wait":
		return idle[E](j, count)
	case "idle_bytes":
		return idleBytes[E](j, count)
	default:
		return flow[E](j, count)
	}
}

// -- One thread ---------------------------------------------------------------

func try[E element](j *job, count uint64) figures {
	var e E
	c := make([]check, 1)
	channel := open[E](j, count)
	w := start()
	for i := uint64(0); i < count; i++ {
		put(&e, 0, i)
		select {
		case channel <- e:
		default:
			die("try_send into an empty buffer failed")
		}
		select {
		case e = <-channel:
		default:
			die("try_recv from a full buffer failed")
		}
		see(&c[0], &e)
	}
	f := w.stop(count)
	total(c, 1, count)
	return f
}

func seq[E element](j *job, count uint64) figures {
	var e E
	c := make([]check, 1)
	batch := count
	if j.capacity > 0 {
		batch = uint64(j.capacity)
	}
	count = (count + batch - 1) / batch * batch
	channel := open[E](j, count)
	w := start()
	for sent := uint64(0); sent < count; {
		for i := uint64(0); i < batch; i++ {
			put(&e, 0, sent)
			channel <- e
			sent++
		}
		for i := uint64(0); i < batch; i++ {
			e = <-channel
			see(&c[0], &e)
		}
	}
	f := w.stop(count)
	total(c, 1, count)
	return f
}

// -- Many ---------------------------------------------------------------------

// together runs n goroutines that begin at the same moment.
type together struct {
	ready, done sync.WaitGroup
	begin       chan struct{}
}

func (t *together) launch(j *job, body func()) {
	t.ready.Add(1)
	t.done.Add(1)
	go func() {
		j.settle()
		t.ready.Done()
		<-t.begin
		body()
		t.done.Done()
	}()
}

// time starts them, and waits for the last.
func (t *together) time(count uint64) figures {
	t.ready.Wait()
	w := start()
	close(t.begin)
	t.done.Wait()
	return w.stop(count)
}

func flow[E element](j *job, count uint64) figures {
	each := (count + uint64(j.producers) - 1) / uint64(j.producers)
	checks := make([]check, j.consumers)
	channel := open[E](j, count)
	producing := int32(j.producers)
	t := together{begin: make(chan struct{})}
	for i := 0; i < j.consumers; i++ {
		c := &checks[i]
		t.launch(j, func() {
			for e := range channel {
				see(c, &e)
			}
		})
	}
	for p := 0; p < j.producers; p++ {
		p := p
		t.launch(j, func() {
			var e E
			for i := uint64(0); i < each; i++ {
				put(&e, p, i)
				channel <- e
			}
			if atomic.AddInt32(&producing, -1) == 0 {
				close(channel)
			}
		})
	}
	f := t.time(each * uint64(j.producers))
	total(checks, j.producers, each)
	return f
}

// -- Select -------------------------------------------------------------------

func sendToOne[E element](channels *[4]chan E, p int, each uint64) {
	var e E
	for i := uint64(0); i < each; i++ {
		put(&e, p, i)
		channels[p] <- e
	}
}

func sendToAny[E element](channels *[4]chan E, p int, each uint64) {
	var e E
	for i := uint64(0); i < each; i++ {
		put(&e, p, i)
		select {
		case channels[0] <- e:
		case channels[1] <- e:
		case channels[2] <- e:
		case channels[3] <- e:
		}
	}
}

// receiveFromAny forgets a channel that has ended.
func receiveFromAny[E element](channels [4]chan E, checks []check) {
	var e E
	var ok bool
	var at int
	for open := 4; open > 0; {
		select {
		case e, ok = <-channels[0]:
			at = 0
		case e, ok = <-channels[1]:
			at = 1
		case e, ok = <-channels[2]:
			at = 2
		case e, ok = <-channels[3]:
			at = 3
		}
		if ok {
			see(&checks[at], &e)
		} else {
			channels[at] = nil
			open--
		}
	}
}

func crowd[E element](j *job, count uint64,
	produce func(*[4]chan E, int, uint64)) figures {
	each := (count + uint64(j.producers) - 1) / uint64(j.producers)
	checks := make([]check, 4*j.consumers)
	producing := int32(j.producers)
	t := together{begin: make(chan struct{})}
	var channels [4]chan E
	if j.channels != 4 || j.producers != 4 {
		die("want four channels, and as many producers")
	}
	for i := range channels {
		channels[i] = open[E](j, count)
	}
	for i := 0; i < j.consumers; i++ {
		mine := checks[4*i : 4*i+4]
		t.launch(j, func() { receiveFromAny(channels, mine) })
	}
	for p := 0; p < j.producers; p++ {
		p := p
		t.launch(j, func() {
			produce(&channels, p, each)
			if atomic.AddInt32(&producing, -1) == 0 {
				for i := range channels {
					close(channels[i])
				}
			}
		})
	}
	f := t.time(each * uint64(j.producers))
	total(checks, j.producers, each)
	return f
}

// -- Latency ------------------------------------------------------------------

func pingpong[E element](j *job, count uint64) figures {
	var e E
	there, back := make(chan E, j.capacity), make(chan E, j.capacity)
	trips := make([]int64, count)
	checks := make([]check, 1)
	done := make(chan struct{})
	go func() {
		j.settle()
		for e := range there {
			back <- e
		}
		close(done)
	}()
	w := start()
	before := time.Now()
	for i := uint64(0); i < count; i++ {
		put(&e, 0, i)
		there <- e
		e = <-back
		after := time.Now()
		trips[i] = after.Sub(before).Nanoseconds()
		before = after
		see(&checks[0], &e)
	}
	f := w.stop(count)
	close(there)
	<-done
	total(checks, 1, count)
	sort.Slice(trips, func(a, b int) bool { return trips[a] < trips[b] })
	f.ns = float64(trips[count/2])
	f.p99 = float64(trips[count*99/100])
	return f
}

// -- Idle ---------------------------------------------------------------------

// rusageThread is RUSAGE_THREAD, which package syscall has no name for.
const rusageThread = 1

// idle is for locked threads: `ns` is the CPU time of the receiver's.
func idle[E element](j *job, count uint64) figures {
	var e E
	var receiver float64
	channel := make(chan E, j.capacity)
	checks := make([]check, 1)
	done := make(chan struct{})
	period := map[string]time.Duration{
		"fed": 50 * time.Microsecond, "fed_1ms": time.Millisecond}
	w := start()
	go func() {
		var before, after syscall.Rusage
		j.settle()
		syscall.Getrusage(rusageThread, &before)
		for e := range channel {
			see(&checks[0], &e)
		}
		syscall.Getrusage(rusageThread, &after)
		receiver = cpu(&after) - cpu(&before)
		close(done)
	}()
	if j.workload == "wait" {
		time.Sleep(time.Duration(count) * time.Millisecond)
	} else {
		for i := uint64(0); i < count; i++ {
			pause(period[j.workload])
			put(&e, 0, i)
			channel <- e
		}
		defer total(checks, 1, count)
	}
	close(channel)
	<-done
	f := w.stop(count)
	f.ns = receiver / float64(count)
	return f
}

// pause sleeps in the kernel: the feeder has a thread of its own, as elsewhere.
func pause(d time.Duration) {
	t := syscall.NsecToTimespec(d.Nanoseconds())
	syscall.Nanosleep(&t, nil)
}

// resident is what the process has in memory, exactly.
func resident() float64 {
	var kib float64
	file, err := os.Open("/proc/self/smaps_rollup")
	if err != nil {
		die("the resident memory is not known")
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "Rss:") {
			fmt.Sscanf(lines.Text(), "Rss: %f kB", &kib)
		}
	}
	return kib * 1024
}

func idleBytes[E element](j *job, count uint64) figures {
	channels := make([]chan E, count)
	before := resident()
	w := start()
	for i := range channels {
		channels[i] = make(chan E, j.capacity)
	}
	f := w.stop(count)
	f.ns = (resident() - before) / float64(count)
	for i := range channels {
		close(channels[i])
	}
	return f
}
